/** @file The page's entry. */

import { mount } from "svelte";
import "uplot/dist/uPlot.min.css";
import "./page.css";
import App from "./App.svelte";

mount(App, { target: document.body });
