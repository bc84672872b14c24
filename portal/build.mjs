// Copies the few files the site serves from node_modules into portal/static/vendor, each checked against
// assets.json (sha256). A file that is not the expected one stops the build: nothing unknown is served.

import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const assets = JSON.parse(await readFile(join(here, "assets.json"), "utf8"));

for (const [target, asset] of Object.entries(assets)) {
  const content = await readFile(join(here, "node_modules", asset.from));
  const found = createHash("sha256").update(content).digest("hex");
  if (found !== asset.sha256) {
    console.error(`${asset.from}: sha256 is ${found}, assets.json says ${asset.sha256}`);
    process.exit(1);
  }
  const path = join(here, "portal", "static", "vendor", target);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
