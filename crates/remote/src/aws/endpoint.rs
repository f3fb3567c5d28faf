//! The URL of an AWS service: the configured one, or the one that AWS's endpoint rules define.

use aws_config::SdkConfig;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

use super::Service;

/// A prefix of region names, the domain of the region's hosts, and the domain of its dual-stack hosts (IPv4 and IPv6).
/// The last row is for all other regions.
const PARTITIONS: [(&str, &str, &str); 8] = [
    ("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    ("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
    ("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
    ("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    ("us-gov-", "amazonaws.com", "api.aws"),
    ("", "amazonaws.com", "api.aws"),
];

/// The URL of a service, without a slash at its end: from `AWS_ENDPOINT_URL_*`, `AWS_ENDPOINT_URL` or the profile,
/// otherwise AWS's own.
pub(super) fn url(config: &SdkConfig, service: &Service, region: &str) -> String {
    let configured = setting(config, service.id, "AWS_ENDPOINT_URL", "endpoint_url");
    if let Some(url) = configured.as_deref().or(config.endpoint_url()) {
        return url.trim_end_matches('/').to_owned();
    }
    let is_on = |setting: Option<bool>| setting == Some(true);
    format!(
        "https://{}",
        host(service.host, region, is_on(config.use_fips()), is_on(config.use_dual_stack()))
    )
}

/// A setting for one service, from the environment or the profile.
pub(super) fn setting(config: &SdkConfig, id: &str, variable: &str, key: &str) -> Option<String> {
    let name = ServiceConfigKey::builder().service_id(id).env(variable).profile(key).build().ok()?;
    LoadServiceConfig::load_config(config.service_config()?, name)
}

fn host(service: &str, region: &str, fips: bool, dual_stack: bool) -> String {
    let partition = PARTITIONS.iter().find(|(beginning, ..)| region.starts_with(beginning));
    let (_, ipv4, both) = partition.copied().unwrap_or(("", "amazonaws.com", "api.aws"));
    let is_gov = region.starts_with("us-gov-");
    let (fips, dual_stack) = match service {
        // GovCloud's own endpoints are FIPS endpoints.
        "dynamodb" => (fips && (!is_gov || dual_stack), dual_stack),
        "events" => (fips && !is_gov, dual_stack),
        // The standard host supports IPv6 too.
        "secretsmanager" => (fips, dual_stack && !ipv4.starts_with("amazonaws.com")),
        _ => (fips, dual_stack),
    };
    let (fips, ending) = (if fips { "-fips" } else { "" }, if dual_stack { both } else { ipv4 });
    format!("{service}{fips}.{region}.{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected hosts are those of the SDK's own resolvers in November 2026.
    #[test]
    fn each_service_has_the_host_of_the_sdk() {
        let plain = |service, region| host(service, region, false, false);
        for (region, ending) in [
            ("us-east-1", "us-east-1.amazonaws.com"),
            ("ap-southeast-7", "ap-southeast-7.amazonaws.com"),
            ("cn-north-1", "cn-north-1.amazonaws.com.cn"),
            ("us-gov-west-1", "us-gov-west-1.amazonaws.com"),
            ("us-iso-east-1", "us-iso-east-1.c2s.ic.gov"),
            ("us-isob-east-1", "us-isob-east-1.sc2s.sgov.gov"),
            ("us-isof-south-1", "us-isof-south-1.csp.hci.ic.gov"),
            ("eu-isoe-west-1", "eu-isoe-west-1.cloud.adc-e.uk"),
            ("eusc-de-east-1", "eusc-de-east-1.amazonaws.eu"),
            ("xx-moon-1", "xx-moon-1.amazonaws.com"),
        ] {
            for service in ["dynamodb", "events", "secretsmanager", "bedrock-runtime"] {
                assert_eq!(plain(service, region), format!("{service}.{ending}"));
            }
        }
        for (service, region, fips, dual_stack, both) in [
            (
                "dynamodb",
                "us-east-1",
                "-fips.us-east-1.amazonaws.com",
                ".us-east-1.api.aws",
                "-fips.us-east-1.api.aws",
            ),
            (
                "events",
                "us-east-1",
                "-fips.us-east-1.amazonaws.com",
                ".us-east-1.api.aws",
                "-fips.us-east-1.api.aws",
            ),
            (
                "bedrock-runtime",
                "us-gov-west-1",
                "-fips.us-gov-west-1.amazonaws.com",
                ".us-gov-west-1.api.aws",
                "-fips.us-gov-west-1.api.aws",
            ),
            (
                "secretsmanager",
                "eu-west-1",
                "-fips.eu-west-1.amazonaws.com",
                ".eu-west-1.amazonaws.com",
                "-fips.eu-west-1.amazonaws.com",
            ),
            (
                "dynamodb",
                "us-gov-west-1",
                ".us-gov-west-1.amazonaws.com",
                ".us-gov-west-1.api.aws",
                "-fips.us-gov-west-1.api.aws",
            ),
            (
                "events",
                "us-gov-east-1",
                ".us-gov-east-1.amazonaws.com",
                ".us-gov-east-1.api.aws",
                ".us-gov-east-1.api.aws",
            ),
            (
                "secretsmanager",
                "us-gov-east-1",
                "-fips.us-gov-east-1.amazonaws.com",
                ".us-gov-east-1.amazonaws.com",
                "-fips.us-gov-east-1.amazonaws.com",
            ),
            (
                "dynamodb",
                "cn-north-1",
                "-fips.cn-north-1.amazonaws.com.cn",
                ".cn-north-1.api.amazonwebservices.com.cn",
                "-fips.cn-north-1.api.amazonwebservices.com.cn",
            ),
            (
                "secretsmanager",
                "us-iso-east-1",
                "-fips.us-iso-east-1.c2s.ic.gov",
                ".us-iso-east-1.api.aws.ic.gov",
                "-fips.us-iso-east-1.api.aws.ic.gov",
            ),
        ] {
            assert_eq!(host(service, region, true, false), format!("{service}{fips}"));
            assert_eq!(host(service, region, false, true), format!("{service}{dual_stack}"));
            assert_eq!(host(service, region, true, true), format!("{service}{both}"));
        }
    }
}
