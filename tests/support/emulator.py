"""Starts moto on a free loopback port, prints the port, and ends when its standard input is closed.

Where moto does otherwise than AWS in a way that matters to these tests, it is patched below. Each patch says which
behaviour of AWS it restores.
"""

import json
import logging
import os
import sys
import threading

from werkzeug.serving import make_server

from moto.cloudtrail import exceptions as cloudtrail_exceptions
from moto.cloudtrail import models as cloudtrail
from moto.cloudtrail.responses import CloudTrailResponse
from moto.core.exceptions import JsonRESTError, ServiceException
from moto.core.responses import ActionResult
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend, iam_backends
from moto.iam.responses import IamResponse
from moto.kms.models import KmsBackend
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.organizations import models as organizations
from moto.s3.exceptions import InvalidBucketState
from moto.s3.models import FakeBucket, S3Backend
from moto.s3.responses import S3Response
from moto.sts.models import STSBackend

# Items that GetAccountAuthorizationDetails returns at most in one page: AWS may return fewer than MaxItems.
AUTHORIZATION_PAGE = 100


def management_of(account_id):
    """The Organizations backend of the account that owns the organization of this one, or None."""
    backends = organizations.organizations_backends
    own = backends[account_id]["aws"]
    if own.org:
        return own
    owner = backends.master_accounts.get(account_id)
    return backends[owner[0]][owner[1]] if owner else None


def is_delegated(account_id):
    management = management_of(account_id)
    admins = management.admins if management else []
    return any(admin.account.id == account_id for admin in admins)


# --- Organizations -------------------------------------------------------------------------------------------------

# CloudTrail and AWS Config have delegated administrators (Organizations user guide, "AWS services that you can use with
# AWS Organizations"); moto's list of such services is older.
organizations.FakeDelegatedAdministrator.SUPPORTED_SERVICES += ["cloudtrail.amazonaws.com", "config.amazonaws.com"]


def answered_by_management(name):
    """Reads of the organization answer the management account and delegated administrators, and nobody else."""
    original = getattr(organizations.OrganizationsBackend, name)

    def patched(self, *args, **kwargs):
        if self.org:
            return original(self, *args, **kwargs)
        if is_delegated(self.account_id):
            return original(management_of(self.account_id), *args, **kwargs)
        raise JsonRESTError("AccessDeniedException", "You don't have permissions to access this resource.")

    setattr(organizations.OrganizationsBackend, name, patched)


for name in [
    "list_accounts",
    "list_accounts_for_parent",
    "list_aws_service_access_for_organization",
    "list_delegated_administrators",
    "list_organizational_units_for_parent",
    "list_tags_for_resource",
]:
    answered_by_management(name)


def paths_of(account):
    """`o-…/r-…/ou-…/123456789012/`, as Organizations fills it in newer answers."""
    units = {unit.id: unit for unit in management_of(account.master_account_id).ou}
    path, parent = [], account.parent_id
    while parent in units:
        path.insert(0, parent)
        parent = getattr(units[parent], "parent_id", None)
    return ["/".join([account.organization_id, *path, account.id]) + "/"]


if os.environ.get("EMULATOR_ACCOUNT_PATHS") == "1":
    # moto does not know `Paths` yet. The tests run with it and without it, because partitions differ.
    describe_account = organizations.FakeAccount.describe
    organizations.FakeAccount.describe = lambda self: {**describe_account(self), "Paths": paths_of(self)}


# --- STS -----------------------------------------------------------------------------------------------------------

assume_role = STSBackend.assume_role


def assume_existing_role(self, *args, **kwargs):
    """A role that does not exist, or whose account is suspended, cannot be assumed."""
    arn = kwargs["role_arn"]
    account_id, role = arn.split(":")[4], arn.split("/")[-1]
    management = management_of(account_id)
    accounts = management.accounts if management else []
    suspended = any(a.id == account_id and a.state != "ACTIVE" for a in accounts)
    names = [r.name for r in iam_backends[account_id]["aws"].roles.values()]
    if suspended or role not in names:
        raise AccessDenied(f"User is not authorized to perform: sts:AssumeRole on resource: {arn}")
    return assume_role(self, *args, **kwargs)


class AccessDenied(ServiceException):
    code = "AccessDenied"
    status = 403


STSBackend.assume_role = assume_existing_role


# --- IAM -----------------------------------------------------------------------------------------------------------


def authorization_details_by_page(self):
    """The answer comes in pages; moto returns everything at once."""
    details = self.backend.get_account_authorization_details(self._get_param("Filter", []))
    roles = list(details["roles"])
    start = int(self._get_param("Marker") or 0)
    end = start + min(self._get_int_param("MaxItems", AUTHORIZATION_PAGE), AUTHORIZATION_PAGE)
    answer = {
        "UserDetailList": [] if start else details["users"],
        "GroupDetailList": [] if start else details["groups"],
        "RoleDetailList": roles[start:end],
        "Policies": [] if start else details["managed_policies"],
        "IsTruncated": end < len(roles),
    }
    if end < len(roles):
        answer["Marker"] = str(end)
    return ActionResult(answer)


IamResponse.get_account_authorization_details = authorization_details_by_page

# The policies of AWS that a role here is given; moto has all of them, or none and starts faster.
AWS_POLICIES = ["service-role/AWSConfigRoleForOrganizations"]

attach_role_policy = IAMBackend.attach_role_policy


def attach_policy_of_aws(self, policy_arn, role_name):
    """A policy of AWS is there for whoever attaches it."""
    known = [f"arn:aws:iam::aws:policy/{name}" for name in AWS_POLICIES]
    if policy_arn in known and policy_arn not in self.managed_policies:
        data = json.loads(aws_managed_policies_data)[policy_arn.split("/")[-1]]
        policy = AWSManagedPolicy.from_data(policy_arn.split("/")[-1], self.account_id, self.region_name, data)
        self.managed_policies[policy_arn] = policy
    return attach_role_policy(self, policy_arn, role_name)


IAMBackend.attach_role_policy = attach_policy_of_aws


# --- S3 ------------------------------------------------------------------------------------------------------------

# The root elements of S3's answers (S3 API reference). moto writes `<operation>Response`, which only Python's SDK takes.
ROOTS = {
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketNotification": "NotificationConfiguration",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "ListBucketInventoryConfigurations": "ListInventoryConfigurationsResult",
    "ListObjectsV2": "ListBucketResult",
}

serialized = S3Response.serialized


def serialized_with_root(self, action_result):
    status, headers, body = serialized(self, action_result)
    for operation, root in ROOTS.items():
        if isinstance(body, str):
            body = body.replace(f"<{operation}Response", f"<{root}").replace(f"</{operation}Response", f"</{root}")
    return status, headers, body


S3Response.serialized = serialized_with_root


def put_object_lock_configuration(self, bucket_name, lock_enabled, mode=None, days=None, years=None):
    """Object Lock can be enabled on a bucket that has objects already; moto wants an empty one."""
    bucket = self.get_bucket(bucket_name)
    if not bucket.is_versioned:
        raise InvalidBucketState("Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
    bucket.object_lock_enabled = lock_enabled
    bucket.default_lock_mode = mode
    bucket.default_lock_days = days
    bucket.default_lock_years = years


S3Backend.put_object_lock_configuration = put_object_lock_configuration


def get_permission(self, action, resource):
    """A denial whose condition does not hold denies nothing; moto takes the conditions of bucket policies to hold."""
    if self.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(self.policy)
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    policy["Statement"] = [one for one in statements if one["Effect"] == "Allow" or "Condition" not in one]
    return IAMPolicy(json.dumps(policy)).is_action_permitted(action, resource)


FakeBucket.get_permission = get_permission


class RequestPayment:
    """Who pays for requests: GetBucketRequestPayment and PutBucketRequestPayment, which moto does not have."""

    ANSWER = (
        '<RequestPaymentConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        "<Payer>{}</Payer></RequestPaymentConfiguration>"
    )

    def __init__(self, app):
        self.app = app
        self.payers = {}

    def __call__(self, environ, start_response):
        if "requestPayment" not in environ.get("QUERY_STRING", ""):
            return self.app(environ, start_response)
        bucket = environ["PATH_INFO"].strip("/")
        body = ""
        if environ["REQUEST_METHOD"] == "PUT":
            sent = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode()
            self.payers[bucket] = "Requester" if ">Requester<" in sent else "BucketOwner"
        else:
            body = self.ANSWER.format(self.payers.get(bucket, "BucketOwner"))
        start_response("200 OK", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [body.encode()]


# --- KMS -----------------------------------------------------------------------------------------------------------


def by_arn_too(name):
    """A key may be named by its ARN; moto takes only its id here."""
    original = getattr(KmsBackend, name)
    setattr(KmsBackend, name, lambda self, key_id: original(self, key_id.split("key/")[-1]))


for name in ["enable_key", "cancel_key_deletion"]:
    by_arn_too(name)


# --- CloudTrail ----------------------------------------------------------------------------------------------------

# PutInsightSelectors replaces what was there; moto adds to it.
cloudtrail.Trail.put_insight_selectors = lambda self, selectors: setattr(self, "insight_selectors", selectors)


def put_event_selectors(self, event_selectors, advanced_event_selectors):
    """A trail has basic selectors or advanced ones; each kind overwrites the other."""
    self.event_selectors = event_selectors or []
    self.advanced_event_selectors = advanced_event_selectors or []


cloudtrail.Trail.put_event_selectors = put_event_selectors


def get_event_selectors(self):
    """A trail that was given no selectors has the basic one for all management events, and answers with it."""
    basic = {
        "ReadWriteType": "All",
        "IncludeManagementEvents": True,
        "DataResources": [],
        "ExcludeManagementEventSources": [],
    }
    none = not self.event_selectors and not self.advanced_event_selectors
    return [basic] if none else self.event_selectors, self.advanced_event_selectors


cloudtrail.Trail.get_event_selectors = get_event_selectors


def get_insight_selectors(self, trail_name):
    """A trail without insights is an error, not an empty list."""
    trail = self.get_trail(trail_name)
    if not trail.insight_selectors:
        raise JsonRESTError("InsightNotEnabledException", f"Insights are not enabled on {trail.arn}")
    return trail.arn, trail.insight_selectors


cloudtrail.CloudTrailBackend.get_insight_selectors = get_insight_selectors


def topic_arn(self):
    """The topic may be given by its ARN and be in another account."""
    name = self.sns_topic_name
    if not name or name.startswith("arn:"):
        return name or None
    return f"arn:{self.partition}:sns:{self.region_name}:{self.account_id}:{name}"


def check_topic_exists(self):
    from moto.sns import sns_backends

    if not self.topic_arn:
        return
    _, _, _, region, account_id, _ = self.topic_arn.split(":")
    if self.topic_arn not in sns_backends[account_id][region].topics:
        raise cloudtrail_exceptions.InsufficientSnsTopicPolicyException(
            "SNS Topic does not exist or the topic policy is incorrect!"
        )


cloudtrail.Trail.topic_arn = property(topic_arn)
cloudtrail.Trail.check_topic_exists = check_topic_exists

create_trail = cloudtrail.CloudTrailBackend.create_trail


def create_trail_once(self, name, *args, **kwargs):
    """A name is taken once, and an organization trail needs trusted access."""
    if name in self.trails:
        raise JsonRESTError("TrailAlreadyExistsException", f"Trail {name} already exists")
    bucket, prefix, topic, is_global, multi_region, validation, organization = args[:7]
    if organization:
        management = management_of(self.account_id)
        services = [s["ServicePrincipal"] for s in management.services] if management else []
        if "cloudtrail.amazonaws.com" not in services:
            raise JsonRESTError("CloudTrailAccessNotEnabledException", "Trusted access is not enabled")
    return create_trail(self, name, *args, **kwargs)


cloudtrail.CloudTrailBackend.create_trail = create_trail_once


def delete_trail(self, name):
    """A trail may be named by its ARN, and one that is not there is an error."""
    del self.trails[self.get_trail(name).trail_name]


cloudtrail.CloudTrailBackend.delete_trail = delete_trail

describe_trails = cloudtrail.CloudTrailBackend.describe_trails


def describe_trails_with_shadows(self, include_shadow_trails):
    """Members see the organization's trails as shadow copies, with the ARN of the management account."""
    trails = list(describe_trails(self, include_shadow_trails))
    management = management_of(self.account_id)
    if include_shadow_trails and management and management.account_id != self.account_id:
        owner = cloudtrail.cloudtrail_backends[management.account_id][self.region_name]
        trails += [t for t in describe_trails(owner, True) if t.is_org_trail]
    return trails


cloudtrail.CloudTrailBackend.describe_trails = describe_trails_with_shadows


def list_trails_everywhere(self):
    """ListTrails returns the trails of all regions; moto leaves out those of one region."""
    own = cloudtrail.cloudtrail_backends[self.account_id]
    return [trail for backend in own.values() for trail in backend.trails.values()]


cloudtrail.CloudTrailBackend.list_trails = list_trails_everywhere


def backend_of_the_owner(self):
    """A delegated administrator works on the trails of the management account."""
    account_id = self.current_account
    if is_delegated(account_id):
        account_id = management_of(account_id).account_id
    return cloudtrail.cloudtrail_backends[account_id][self.region]


CloudTrailResponse.cloudtrail_backend = property(backend_of_the_owner)


# --- the server ----------------------------------------------------------------------------------------------------


def end_with_parent():
    """The test that started the server holds its standard input, so the server ends with it, however that ends."""
    sys.stdin.buffer.read()
    os._exit(0)


def main():
    # A line for every request hides the lines that matter: what goes wrong inside.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    threading.Thread(target=end_with_parent, daemon=True).start()
    # Connections are kept open, as AWS keeps them.
    MotoRequestHandler.protocol_version = "HTTP/1.1"
    app = RequestPayment(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
    print(server.port, flush=True)
    server.serve_forever()


main()
