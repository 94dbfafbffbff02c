import { PageHead } from "../ui/PageHead";

export function Try() {
	return <PageHead title="Try" />;
}
