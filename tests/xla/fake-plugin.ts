/** @file Plugins made for tests: C compiled to libraries that start badly, or that try a cluster's store. */

import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Whether there is a C compiler for Linux libraries. */
export const hasCompiler = process.platform === "linux" && findsCompiler();

function findsCompiler(): boolean {
  try {
    execFileSync("cc", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** A plugin whose client is an error that tells what a store answered; macros make it worse. */
const SOURCE = `
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#ifndef MAJOR
#define MAJOR 0
#endif
#ifndef MINOR
#define MINOR 115
#endif
#ifndef SIZE
#define SIZE 1200
#endif
#ifndef TABLE
#define TABLE 1
#endif

struct error { int code; char text[1000]; };
static void *ignore(void *args) { return NULL; }
static void *message(char *args) {
  struct error *error = *(struct error **)(args + 16);
  *(const char **)(args + 24) = error->text;
  *(size_t *)(args + 32) = strlen(error->text);
  return NULL;
}
static void *code(char *args) {
  *(int *)(args + 24) = (*(struct error **)(args + 16))->code;
  return NULL;
}

#ifdef NEEDS
extern int missing_symbol(void);
static void *start(void *args) { return missing_symbol() ? args : NULL; }
#elif defined(FAILS)
static struct error no_driver = {13, "no driver"};
static void *start(void *args) { return &no_driver; }
#else
static void *start(void *args) { return NULL; }
#endif

typedef struct error *make_error(int code, const char *text, size_t size);
static struct error *make(int code, const char *text, size_t size) {
  static struct error error;
  error.code = code;
  snprintf(error.text, sizeof error.text, "%.*s", (int)size, text);
  return &error;
}
static make_error *maker = make;
typedef struct error *callback(void *args);
struct put { size_t size; void *ext; const char *key; size_t key_size; const char *value; size_t value_size; make_error **make; void *user; };
struct get { size_t size; void *ext; const char *key; size_t key_size; int timeout; make_error **make; void *user; char *value; size_t value_size; void (*release)(char *); };
struct try_get { size_t size; void *ext; const char *key; size_t key_size; make_error **make; void *user; char *value; size_t value_size; void (*release)(char *); };
struct create { size_t size; void *ext; void *options; size_t count; callback *get; void *get_user; callback *put; void *put_user; void *client; callback *try_get; void *try_user; };

static struct error report = {3, ""};
static void tell(const char *what, const char *key, struct error *error, const char *value, size_t size) {
  char *end = report.text + strlen(report.text);
  size_t room = sizeof report.text - strlen(report.text);
  if (error) snprintf(end, room, "%s %s: %d %s; ", what, key, error->code, error->text);
  else snprintf(end, room, "%s %s: %.*s; ", what, key, (int)size, value ? value : "");
}
static void put(struct create *from, const char *key, const char *value) {
  struct put args = {sizeof args, NULL, key, strlen(key), value, strlen(value), &maker, from->put_user};
  tell("put", key, from->put(&args), value, strlen(value));
}
static void get(struct create *from, const char *key, int timeout) {
  struct get args = {sizeof args, NULL, key, strlen(key), timeout, &maker, from->get_user};
  struct error *error = from->get(&args);
  tell("get", key, error, args.value, args.value_size);
  if (!error) args.release(args.value);
}
static void try_get(struct create *from, const char *key) {
  struct try_get args = {sizeof args, NULL, key, strlen(key), &maker, from->try_user};
  struct error *error = from->try_get(&args);
  tell("try", key, error, args.value, args.value_size);
  if (!error) args.release(args.value);
}
static void *exchange(void *args) {
  put(args, "own/1", "one");
  try_get(args, "own/1");
  try_get(args, "missing");
  get(args, "other", 20000);
  get(args, "missing", 50);
  return NULL;
}
static void *create(struct create *args) {
  pthread_t thread;
  pthread_create(&thread, NULL, exchange, args);
  pthread_join(thread, NULL);
  return &report;
}

static union {
  struct { size_t size; void *extension; size_t version[2]; int32_t major, minor; void *entries[16]; } head;
  char bytes[1200];
} table = {{SIZE, NULL, {24, 0}, MAJOR, MINOR, {[0] = (void *)ignore, [1] = (void *)message,
  [2] = (void *)code, [3] = (void *)start, [10] = (void *)create}}};
void *GetPjrtApi(void) { return TABLE ? &table : NULL; }
`;

/** Compiles a plugin into a folder, with macros that change it; where its library lies. */
export async function makePlugin(
  folder: string,
  name: string,
  macros: Readonly<Record<string, number>> = {},
): Promise<string> {
  const source = join(folder, "plugin.c");
  await writeFile(source, SOURCE);
  const file = join(folder, `${name}.so`);
  const defines = Object.entries(macros).map(([key, value]) => `-D${key}=${value}`);
  execFileSync("cc", ["-shared", "-fPIC", "-pthread", ...defines, "-o", file, source]);
  return file;
}
