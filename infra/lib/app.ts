// The CDK app, with CDK's recommended feature flags. Each synthesis runs the AwsSolutions rules of cdk-nag, and fails if a
// finding is not acknowledged with a reason.
//
// Never: depends on a feature flag in cdk.json, because the tests do not read that file.

import { App, Validations } from "aws-cdk-lib";
import recommendedFlags from "aws-cdk-lib/recommended-feature-flags.json";
import { AwsSolutionsChecks } from "cdk-nag";

export function checkedApp(outdir?: string): App {
  const app = new App({ context: { ...recommendedFlags }, outdir });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return app;
}
