/** @file The page's entry. */

import "./locale.ts"; // before the charts
import { mount } from "svelte";
import "uplot/dist/uPlot.min.css";
import "./page.css";
import "./views.css";
import App from "./App.svelte";

mount(App, { target: document.body });
