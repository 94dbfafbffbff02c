import { Link } from "../app/router";
import { ModelList } from "../models/ModelList";
import { Icon } from "../ui/Icon";
import { PageHead } from "../ui/PageHead";

export function Models() {
	return (
		<>
			<PageHead
				title="Models"
				lead="A kind is what programs ask for. Each has one active version, and every switch is in its history."
			>
				<Link to="/register" className="button primary">
					<Icon name="register" />
					Register a version
				</Link>
			</PageHead>
			<ModelList />
		</>
	);
}
