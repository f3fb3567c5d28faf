// The alert types that the stack routes, and how the Lambda gets them where they are not the built-in ones.
//
// Takes: a folder with one sub-folder per alert type, each with an `alert.toml`.
// Gives: their ids, which are the sub-folders' names; and a Lambda layer of the `alert.toml` files.
// Never: reads more of an `alert.toml` than its id; `portend types check` and the Lambda do.

import { Stage } from "aws-cdk-lib";
import * as lambda from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import * as fs from "node:fs";
import * as path from "node:path";
import { PropError } from "./props";

/** The types that are compiled into the Lambda, from the folder of the compiled stack. */
const BUILT_IN_DIR = path.resolve(__dirname, "../../../alert-types");

/** Where Lambda unpacks layers, and the folder within ours. */
const LAYER_ROOT = "/opt";
const LAYER_DIR = "alert-types";

const READABLE_BY_ALL = 0o644;

export interface AlertTypes {
  readonly ids: readonly string[];
  /** The folder to give to the Lambda; `undefined` where the built-in types serve. */
  readonly dir?: string;
}

/** Reads the ids, in order. `dir` is the prop `alertTypesDir`. */
export function alertTypesOf(dir: string | undefined): AlertTypes {
  const folder = dir ?? BUILT_IN_DIR;
  const ids = subFolders(folder).sort();
  if (ids.length === 0) {
    throw new PropError(
      `alertTypesDir ${folder} holds no alert type; give the folder that has a sub-folder for each`,
    );
  }
  for (const id of ids) {
    if (!/^[a-z][a-z0-9_]*$/.test(id)) {
      throw new PropError(
        `alertTypesDir ${folder} holds ${id}, which is no id; use lower-case letters, digits and _`,
      );
    }
    if (!fs.existsSync(path.join(folder, id, "alert.toml"))) {
      throw new PropError(
        `alertTypesDir ${folder} holds ${id} without an alert.toml; add it, or move the folder away`,
      );
    }
    if (idWrittenIn(path.join(folder, id, "alert.toml")) !== id) {
      throw new PropError(
        `alertTypesDir ${folder} holds ${id}, whose alert.toml says another id; write id = "${id}" there`,
      );
    }
  }
  return { ids, dir };
}

/** A layer that holds `alert.toml` of every type, and the value of `ALERT_TYPES_DIR` that goes with it. */
export function alertTypesLayer(
  scope: Construct,
  ids: readonly string[],
  dir: string,
): { layer: lambda.LayerVersion; dir: string } {
  // Laid out beside the templates, without the samples. Every construct stands in an app, which has such a folder.
  const staged = path.join(Stage.of(scope)!.outdir, "layer");
  fs.rmSync(staged, { recursive: true, force: true });
  for (const id of ids) {
    const file = path.join(staged, LAYER_DIR, id, "alert.toml");
    fs.cpSync(path.join(dir, id, "alert.toml"), file);
    // The zip keeps the mode, and the Lambda runs as another user than the one who may read the file here.
    fs.chmodSync(file, READABLE_BY_ALL);
  }
  const layer = new lambda.LayerVersion(scope, "AlertTypes", {
    description: `Alert types: ${ids.join(", ")}`.slice(0, 256),
    code: lambda.Code.fromAsset(staged),
  });
  return { layer, dir: path.posix.join(LAYER_ROOT, LAYER_DIR) };
}

/** The id at the top of the file; below the first table's heading stand ids of facts. */
function idWrittenIn(file: string): string | undefined {
  const [top = ""] = fs.readFileSync(file, "utf8").split(/^\s*\[/m);
  return /^\s*id\s*=\s*["']([^"'\n]*)["']/m.exec(top)?.[1];
}

function subFolders(folder: string): string[] {
  if (!fs.existsSync(folder) || !fs.statSync(folder).isDirectory()) {
    throw new PropError(
      `alertTypesDir ${folder} is no folder; give the one that has a sub-folder for each alert type`,
    );
  }
  return fs
    .readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map((entry) => entry.name);
}
