import { useQuery } from "@tanstack/react-query";
import { Suspense, useEffect, useRef } from "react";
import { ProblemError } from "../api/client";
import * as queries from "../api/queries";
import { JobDock } from "../jobs/JobDock";
import { useLive } from "../live/LiveProvider";
import { Loading } from "../ui/notes";
import { AwayBanner } from "./AwayBanner";
import { KeyPrompt } from "./KeyPrompt";
import { usePath, useSearch } from "./router";
import { findView } from "./routes";
import { Sidebar } from "./Sidebar";
import { ViewErrorBoundary } from "./ViewErrorBoundary";

export function App() {
	const path = usePath();
	const [search] = useSearch();
	const live = useLive();
	const { error } = useQuery(queries.server());
	const { view: View, parameters, title } = findView(path);
	const isRefused =
		live.name === "refused" || (error instanceof ProblemError && error.problem.status === 401);

	useEffect(() => {
		document.title = `${title} · holotype`;
	}, [title]);
	useEffect(() => {
		document.documentElement.classList.toggle("presenting", search.present === "1");
	}, [search.present]);
	const content = useFocusOnNewView(path);

	return (
		<div className="frame">
			<a className="skip button" href="#content">
				Skip to the content
			</a>
			<Sidebar path={path} />
			<div className="main">
				<AwayBanner />
				<main
					id="content"
					ref={content}
					tabIndex={-1}
					className={`content${live.name === "away" ? " stale" : ""}`}
				>
					{isRefused ? (
						<KeyPrompt />
					) : (
						<ViewErrorBoundary key={path}>
							<Suspense fallback={<Loading />}>
								<View {...parameters} />
							</Suspense>
						</ViewErrorBoundary>
					)}
				</main>
			</div>
			{!isRefused && <JobDock />}
		</div>
	);
}

/** Whoever follows a link by the keyboard or a screen reader goes on in the new view. */
function useFocusOnNewView(path: string) {
	const content = useRef<HTMLElement>(null);
	const shown = useRef(path);
	useEffect(() => {
		if (shown.current === path) return;
		shown.current = path;
		content.current?.focus({ preventScroll: true });
	}, [path]);
	return content;
}
