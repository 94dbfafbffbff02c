import { ModelRegistration } from "../models/ModelRegistration";
import { PageHead } from "../ui/PageHead";

export function Register() {
	return (
		<>
			<PageHead
				title="Register a version"
				lead="A version is a model with all that decides its results. It never changes, and serves nothing until you switch to it."
			/>
			<ModelRegistration />
		</>
	);
}
