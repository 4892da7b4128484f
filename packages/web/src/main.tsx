// Where the page begins.

import { render } from "preact";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/components.css";
import "./styles/shell.css";
import { startRouting } from "./routing/route.ts";
import { App } from "./shell/app.tsx";
import { startTheme } from "./theme/theme.ts";

startTheme();
startRouting();
const root = document.getElementById("app");
if (root !== null) render(<App />, root);
