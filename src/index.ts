/** @file Ocelli's public entry: train, evaluate and ship vision models. */

export { OcelliError } from "./errors.ts";
