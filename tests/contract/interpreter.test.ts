import { createInterpreter } from "../../src/engines/interpreter/index.ts";
import { contract } from "./suite.ts";

contract({
  name: "interpreter",
  create: () => Promise.resolve(createInterpreter()),
  checkSupported: () => undefined,
});
