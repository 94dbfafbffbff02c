import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createQueryClient } from "./api/queries";
import { App } from "./app/App";
import { applyTheme } from "./app/theme";
import { LiveProvider } from "./live/LiveProvider";
import { ModelsProvider } from "./models/ModelsContext";
import "./styles/index.css";

applyTheme();

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no element with the id root");
createRoot(root).render(
	<StrictMode>
		<QueryClientProvider client={createQueryClient()}>
			<LiveProvider>
				<ModelsProvider>
					<App />
				</ModelsProvider>
			</LiveProvider>
		</QueryClientProvider>
	</StrictMode>,
);
