// Runs Node's examples in turn, each in its folder and environment; ends at the first that fails.

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

for (const folder of process.argv.slice(2)) {
  Object.assign(process.env, JSON.parse(await readFile(`${folder}/environment.json`, "utf8")));
  process.chdir(folder);
  await import(pathToFileURL(`${folder}/example.mjs`));
}
