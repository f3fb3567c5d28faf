// The ids of the alert types, and the Lambda layer that carries alert types that are not built in. A folder of alert types
// has one sub-folder per type. The sub-folder has the id as its name and contains an `alert.toml`.
//
// Never: validates an `alert.toml` beyond its id. `portend types check` and the function do that.

import { Stage } from "aws-cdk-lib";
import * as lambda from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import * as fs from "node:fs";
import * as path from "node:path";
import { PropError } from "./props";

/** The built-in alert types, relative to the compiled JavaScript. */
const BUILT_IN_DIR = path.resolve(__dirname, "../../../alert-types");

/** The path where Lambda unpacks layers, and the folder inside our layer. */
const LAYER_ROOT = "/opt";
const LAYER_DIR = "alert-types";

const READABLE_BY_ALL = 0o644;

export interface AlertTypes {
  readonly ids: readonly string[];
  /** The folder that becomes the layer; `undefined` for the built-in types. */
  readonly dir?: string;
}

/** Reads the ids and sorts them. `dir` is the prop `alertTypesDir`. */
export function alertTypesOf(dir: string | undefined): AlertTypes {
  const folder = dir ?? BUILT_IN_DIR;
  const ids = subFolders(folder).sort();
  if (ids.length === 0) {
    throw new PropError(
      `alertTypesDir ${folder} contains no alert type; give the folder with one sub-folder per alert type`,
    );
  }
  for (const id of ids) {
    if (!/^[a-z][a-z0-9_]*$/.test(id)) {
      throw new PropError(
        `alertTypesDir ${folder} contains ${id}, which is not a valid id; use lower-case letters, digits and _`,
      );
    }
    if (!fs.existsSync(path.join(folder, id, "alert.toml"))) {
      throw new PropError(
        `alertTypesDir ${folder} contains ${id} without an alert.toml; add the file, or remove the folder`,
      );
    }
    if (idWrittenIn(path.join(folder, id, "alert.toml")) !== id) {
      throw new PropError(
        `alertTypesDir ${folder} contains ${id}, whose alert.toml has another id; write id = "${id}" in it`,
      );
    }
  }
  return { ids, dir };
}

/** A layer with the `alert.toml` and the mappings of every type, and the value of `ALERT_TYPES_DIR` that points to it. */
export function alertTypesLayer(
  scope: Construct,
  ids: readonly string[],
  dir: string,
): { layer: lambda.LayerVersion; dir: string } {
  // Copied next to the templates, without the samples. The app always exists, so `!` is safe.
  const staged = path.join(Stage.of(scope)!.outdir, "layer");
  fs.rmSync(staged, { recursive: true, force: true });
  for (const name of ids.flatMap((id) => [path.join(id, "alert.toml"), ...mappingsOf(dir, id)])) {
    const file = path.join(staged, LAYER_DIR, name);
    fs.cpSync(path.join(dir, name), file);
    // The zip keeps the file mode, and the function does not run as the file's owner.
    fs.chmodSync(file, READABLE_BY_ALL);
  }
  const layer = new lambda.LayerVersion(scope, "AlertTypes", {
    description: `Alert types: ${ids.join(", ")}`.slice(0, 256),
    code: lambda.Code.fromAsset(staged),
  });
  return { layer, dir: path.posix.join(LAYER_ROOT, LAYER_DIR) };
}

/** The mappings of a type from other systems' payloads, relative to the folder of alert types. Most types have none. */
function mappingsOf(dir: string, id: string): string[] {
  const folder = path.join(dir, id, "from");
  const files = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  return files
    .filter((file) => file.endsWith(".toml"))
    .sort()
    .map((file) => path.join(id, "from", file));
}

/** The id at the top of the file. Below the first table heading, `id` is the id of a fact. */
function idWrittenIn(file: string): string | undefined {
  const [top = ""] = fs.readFileSync(file, "utf8").split(/^\s*\[/m);
  return /^\s*id\s*=\s*["']([^"'\n]*)["']/m.exec(top)?.[1];
}

function subFolders(folder: string): string[] {
  if (!fs.existsSync(folder) || !fs.statSync(folder).isDirectory()) {
    throw new PropError(
      `alertTypesDir ${folder} is not a folder; give the folder with one sub-folder per alert type`,
    );
  }
  return fs
    .readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map((entry) => entry.name);
}
