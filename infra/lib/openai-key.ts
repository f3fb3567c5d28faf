// The secret of the OpenAI key: an existing secret, or a new secret without a value. A person sets the value.
//
// Never: reads the key, or generates a value. The function would send a generated value to OpenAI.

import * as secretsmanager from "aws-cdk-lib/aws-secretsmanager";
import { Validations } from "aws-cdk-lib";
import { Construct } from "constructs";

export class OpenAiKey extends Construct {
  readonly secretArn: string;

  constructor(scope: Construct, id: string, existingArn: string | undefined) {
    super(scope, id);
    this.secretArn = existingArn ?? this.emptySecret().ref;
  }

  /** The CloudFormation resource, because CDK's own construct generates a value. */
  private emptySecret(): secretsmanager.CfnSecret {
    const secret = new secretsmanager.CfnSecret(this, "Secret", {
      description:
        "The OpenAI key that Portend's function reads. A person sets the value; docs/DEPLOY.md says how.",
    });
    Validations.of(secret).acknowledge({
      id: "AwsSolutions-SMG4",
      reason:
        "Secrets Manager cannot rotate an OpenAI key. A person rotates it, as docs/DEPLOY.md describes.",
    });
    return secret;
  }
}
