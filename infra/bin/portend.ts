#!/usr/bin/env node
// Synthesizes the stack. The CDK command line runs this program, and `npx cdk deploy` deploys its output.
//
// Takes: the props from CDK's context. Without the prop `region`, the region of the AWS profile.
// Returns: the cloud assembly, or one sentence on standard error if a prop is wrong.
// Never: sends a request to AWS.

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
