// The secret that holds the OpenAI key.
//
// Takes: the ARN of a secret that is there already, or nothing.
// Gives: the ARN of the secret; a new one has no value until somebody puts it.
// Never: sees the key, or has one made: a generated value would be sent to OpenAI as if it were a key.

import * as secretsmanager from "aws-cdk-lib/aws-secretsmanager";
import { Validations } from "aws-cdk-lib";
import { Construct } from "constructs";

export class OpenAiKey extends Construct {
  readonly secretArn: string;

  constructor(scope: Construct, id: string, existingArn: string | undefined) {
    super(scope, id);
    this.secretArn = existingArn ?? this.emptySecret().ref;
  }

  /** The plain resource, since CDK's own construct generates a value where it is given none. */
  private emptySecret(): secretsmanager.CfnSecret {
    const secret = new secretsmanager.CfnSecret(this, "Secret", {
      description:
        "The OpenAI key that Portend's Lambda reads. Put the value by hand; docs/DEPLOY.md says how.",
    });
    Validations.of(secret).acknowledge({
      id: "AwsSolutions-SMG4",
      reason:
        "OpenAI has no call by which AWS could change the key; docs/DEPLOY.md says how a person rotates it.",
    });
    return secret;
  }
}
