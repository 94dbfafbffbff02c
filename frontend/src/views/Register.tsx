import { ModelRegistration } from "../models/ModelRegistration";
import { useModels } from "../models/ModelsContext";
import { ErrorNote } from "../ui/notes";
import { PageHead } from "../ui/PageHead";

export function Register() {
	const models = useModels();
	return (
		<>
			<PageHead
				title="Register a version"
				lead="A version is a model with all that decides its results. It never changes, and serves nothing until you switch to it."
			/>
			{models.error && !models.data ? <ErrorNote error={models.error} /> : <ModelRegistration />}
		</>
	);
}
