#!/usr/bin/env node
// Synthesizes the stack. CDK's command line runs this; `npx cdk deploy` deploys what it writes.
//
// Takes: the props from CDK's context, and the region from the AWS CLI's profile where no prop says it.
// Gives: the cloud assembly; or, of a wrong prop, one sentence.
// Never: asks an account anything.

import { checkedApp } from "../lib/app";
import { propsOf } from "../lib/context";
import { PortendStack } from "../lib/portend-stack";
import { PropError } from "../lib/props";

const app = checkedApp();
try {
  const region = process.env["CDK_DEFAULT_REGION"];
  new PortendStack(app, "PortendStack", { region, ...propsOf(app.node.getAllContext()) });
  app.synth();
} catch (error) {
  if (!(error instanceof PropError)) {
    throw error;
  }
  console.error(error.message);
  process.exitCode = 1;
}
