"""Cases of the rules for log groups and trails."""

from policies.aws import logs
from policies.aws.logs import LOG_GROUP, TRAIL
from policies.cases import Cases, made

KEY_ARN = "arn:aws:kms:eu-west-1:123456789012:key/3f9a"
KEY = made("aws:kms/key:Key", "logs")

CASES = (
    Cases(
        logs.log_group_customer_managed_key,
        passing=[
            made(LOG_GROUP, "it", {"kmsKeyId": KEY_ARN}),
            made(LOG_GROUP, "it", refers={"kmsKeyId": KEY}),
        ],
        failing=[
            (made(LOG_GROUP, "it", {"name": "/training"}), "The log group has no key in KMS."),
            (made(LOG_GROUP, "it", {"kmsKeyId": ""}), "The log group has no key in KMS."),
        ],
    ),
    Cases(
        logs.log_group_retention,
        passing=[
            made(LOG_GROUP, "it"),
            made(LOG_GROUP, "it", {"retentionInDays": 0}),
            made(LOG_GROUP, "it", {"retentionInDays": 30}),
            made(LOG_GROUP, "it", {"retentionInDays": 2, "logGroupClass": "DELIVERY"}),
        ],
        failing=[
            (made(LOG_GROUP, "it", {"retentionInDays": 14}), "Logs are kept for 14 days; 30 at least are required."),
            (made(LOG_GROUP, "it", {"retentionInDays": 7, "logGroupClass": "STANDARD"}), "Logs are kept for 7 days"),
        ],
    ),
    Cases(
        logs.trail_complete,
        passing=[
            made(TRAIL, "it", {"isMultiRegionTrail": True}),
            made(
                TRAIL,
                "it",
                {"isMultiRegionTrail": True, "includeGlobalServiceEvents": True, "enableLogging": True},
            ),
        ],
        failing=[
            (made(TRAIL, "it", {"s3BucketName": "trail"}), "in one region only"),
            (made(TRAIL, "it", {"isMultiRegionTrail": False}), "in one region only"),
            (
                made(TRAIL, "it", {"isMultiRegionTrail": True, "includeGlobalServiceEvents": False}),
                "leaves out the services without a region",
            ),
            (made(TRAIL, "it", {"isMultiRegionTrail": True, "enableLogging": False}), "The trail is switched off."),
        ],
    ),
    Cases(
        logs.trail_validated,
        passing=[made(TRAIL, "it", {"enableLogFileValidation": True})],
        failing=[
            (made(TRAIL, "it", {"s3BucketName": "trail"}), "The trail's records are not signed."),
            (made(TRAIL, "it", {"enableLogFileValidation": False}), "The trail's records are not signed."),
        ],
    ),
    Cases(
        logs.trail_customer_managed_key,
        passing=[
            made(TRAIL, "it", {"kmsKeyId": KEY_ARN}),
            made(TRAIL, "it", refers={"kmsKeyId": KEY}),
        ],
        failing=[
            (made(TRAIL, "it", {"s3BucketName": "trail"}), "The trail has no key in KMS."),
            (made(TRAIL, "it", {"kmsKeyId": "arn:aws:kms:eu-west-1:123456789012:alias/aws/cloudtrail"}), "no key"),
        ],
    ),
)
