//! `cloudtrail_logs`: the table in Athena's documentation ("Query AWS CloudTrail logs", "Create a table for
//! CloudTrail logs in Athena using partition projection"), lower case, with free-form parts as text.

use super::column::Kind::{Json, List, Map, Struct, Text};
use super::column::{Column, From};

/// What a session is of.
pub(crate) const ISSUER: &[Column] = &[
    Column::of("type", Text, "type", ""),
    Column::of("principalid", Text, "principalId", ""),
    Column::of("arn", Text, "arn", ""),
    Column::of("accountid", Text, "accountId", ""),
    Column::of("username", Text, "userName", ""),
];

const ATTRIBUTES: &[Column] = &[
    Column::of("mfaauthenticated", Text, "mfaAuthenticated", ""),
    Column::of("creationdate", Text, "creationDate", ""),
];

/// Who vouched for a web identity.
pub(crate) const FEDERATION: &[Column] =
    &[Column::of("federatedprovider", Text, "federatedProvider", ""), Column::of("attributes", Map, "attributes", "")];

const SESSION: &[Column] = &[
    Column::of("attributes", Struct(ATTRIBUTES), "attributes", ""),
    Column::of("sessionissuer", Struct(ISSUER), "sessionIssuer", ""),
    Column::of("ec2roledelivery", Text, "ec2RoleDelivery", ""),
    Column::of("sourceidentity", Text, "sourceIdentity", ""),
    Column::of("assumedroot", Text, "assumedRoot", ""),
    Column::of("webidfederationdata", Struct(FEDERATION), "webIdFederationData", ""),
];

/// The user of Identity Center that a call was made for.
pub(crate) const ON_BEHALF_OF: &[Column] =
    &[Column::of("userid", Text, "userId", ""), Column::of("identitystorearn", Text, "identityStoreArn", "")];

const IDENTITY: &[Column] = &[
    Column::of("type", Text, "type", ""),
    Column::of("principalid", Text, "principalId", ""),
    Column::of("arn", Text, "arn", ""),
    Column::of("accountid", Text, "accountId", ""),
    Column::of("invokedby", Text, "invokedBy", ""),
    Column::of("accesskeyid", Text, "accessKeyId", ""),
    Column::of("username", Text, "userName", ""),
    Column::of("onbehalfof", Struct(ON_BEHALF_OF), "onBehalfOf", ""),
    Column::of("sessioncontext", Struct(SESSION), "sessionContext", ""),
];

const RESOURCE: &[Column] = &[
    Column::new("arn", Text, From::First(&["ARN", "arn"]), ""),
    Column::of("accountid", Text, "accountId", ""),
    Column::of("type", Text, "type", ""),
];

/// How the connection was encrypted.
pub(crate) const TLS: &[Column] = &[
    Column::of("tlsversion", Text, "tlsVersion", ""),
    Column::of("ciphersuite", Text, "cipherSuite", ""),
    Column::of("clientprovidedhostheader", Text, "clientProvidedHostHeader", ""),
];

/// The columns of `cloudtrail_logs`, in the order of the documentation, and behind them what the partition projection
/// of the documentation adds.
pub const COLUMNS: &[Column] = &[
    Column::of("eventversion", Text, "eventVersion", "the version of the record's format"),
    Column::of("useridentity", Struct(IDENTITY), "userIdentity", "who called"),
    Column::new(
        "eventtime",
        Text,
        From::First(&["eventTime", "timeWindow.windowStart"]),
        "when the call was made, RFC 3339, as text",
    ),
    Column::of("eventsource", Text, "eventSource", "the service"),
    Column::of("eventname", Text, "eventName", "the API call"),
    Column::of("awsregion", Text, "awsRegion", "the region"),
    Column::of("sourceipaddress", Text, "sourceIPAddress", "the caller's address"),
    Column::of("useragent", Text, "userAgent", "the caller's program"),
    Column::of("errorcode", Text, "errorCode", "why the call failed; none: it was done"),
    Column::of("errormessage", Text, "errorMessage", "the same in words"),
    Column::of("requestparameters", Json, "requestParameters", "what the call asked for, JSON text"),
    Column::of("responseelements", Json, "responseElements", "what the call answered, JSON text"),
    Column::of("additionaleventdata", Json, "additionalEventData", "what else the service tells, JSON text"),
    Column::of("requestid", Text, "requestID", "the service's id of the call"),
    Column::new("eventid", Text, From::First(&["eventID", "eventId"]), "the id of the event"),
    Column::of("readonly", Text, "readOnly", "`true` or `false`, as text"),
    Column::of("resources", List(RESOURCE), "resources", "the resources that the service itself names"),
    Column::of("eventtype", Text, "eventType", "`AwsApiCall` and others"),
    Column::of("apiversion", Text, "apiVersion", "the version of the service's API"),
    Column::of("recipientaccountid", Text, "recipientAccountId", "the account that the event was delivered to"),
    Column::of("serviceeventdetails", Json, "serviceEventDetails", "what an event of the service is about, JSON text"),
    Column::of(
        "sharedeventid",
        Text,
        "sharedEventID",
        "what the records of one call in several accounts have in common",
    ),
    Column::of("vpcendpointid", Text, "vpcEndpointId", "the VPC endpoint that the call came through"),
    Column::of("vpcendpointaccountid", Text, "vpcEndpointAccountId", "that endpoint's account"),
    Column::of("eventcategory", Text, "eventCategory", "`Management`, `Data` and others"),
    Column::of("managementevent", Text, "managementEvent", "`true` or `false`, as text"),
    Column::of("addendum", Json, "addendum", "why a record came late or again, JSON text"),
    Column::of(
        "sessioncredentialfromconsole",
        Text,
        "sessionCredentialFromConsole",
        "`true`: a session of the console",
    ),
    Column::of("edgedevicedetails", Json, "edgeDeviceDetails", "of Snow devices, JSON text"),
    Column::of("tlsdetails", Struct(TLS), "tlsDetails", "how the connection was encrypted"),
    Column::new("account", Text, From::Account, "the partition: the account"),
    Column::new("region", Text, From::Region, "the partition: the region"),
];
