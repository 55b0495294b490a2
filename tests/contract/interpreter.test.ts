import { createInterpreter } from "../../src/engines/interpreter/index.ts";
import { contract } from "./suite.ts";

contract({
  name: "interpreter",
  create: () => Promise.resolve(createInterpreter()),
  checkSupported: ({ inputs }) => {
    if (inputs.some(({ dtype }) => dtype === "int64"))
      throw new Error("the interpreter has no int64");
  },
});
