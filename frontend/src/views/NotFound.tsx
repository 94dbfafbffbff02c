import { Link, usePath } from "../app/router";
import { PageHead } from "../ui/PageHead";

export function NotFound() {
	return (
		<>
			<PageHead title="There is no such view" />
			<p>
				<span className="mono">{usePath()}</span> leads nowhere. Go to the{" "}
				<Link to="/">overview</Link>.
			</p>
		</>
	);
}
