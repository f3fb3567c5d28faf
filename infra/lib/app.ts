// The CDK app that the stack stands in: the same for the command line and for the tests.
//
// Takes: nothing; CDK adds the context of its command line.
// Gives: an app that behaves as CDK recommends for a new project, and that cdk-nag's AwsSolutions rules check whenever
// it is synthesized: a finding without a reason stops the synthesis.
// Never: depends on a feature flag in cdk.json, which a test would not read.

import { App, Validations } from "aws-cdk-lib";
import recommendedFlags from "aws-cdk-lib/recommended-feature-flags.json";
import { AwsSolutionsChecks } from "cdk-nag";

export function checkedApp(outdir?: string): App {
  const app = new App({ context: { ...recommendedFlags }, outdir });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return app;
}
