import type { ReactNode } from "react";

interface PageHeadProps {
	title: string;
	lead?: ReactNode;
	crumbs?: ReactNode;
	/** Buttons of the whole view. */
	children?: ReactNode;
}

export function PageHead({ title, lead, crumbs, children }: PageHeadProps) {
	return (
		<div className="page-head">
			<div>
				{crumbs && <p className="crumbs">{crumbs}</p>}
				<h1>{title}</h1>
				{lead && <p className="lead">{lead}</p>}
			</div>
			{children && <div className="row">{children}</div>}
		</div>
	);
}
