//! `cloudtrail_lake`: the schema of an event data store (CloudTrail user guide, "CloudTrail Lake supported schemas for
//! event data stores"), with times as timestamps and free-form parts as maps for `element_at`. Names are lower case, as
//! Trino makes them: `eventTime` in SQL finds `eventtime`.

use crate::columns::athena::{FEDERATION, ISSUER, ON_BEHALF_OF, TLS};
use crate::columns::column::Kind::{Flag, Json, List, Map, Struct, Text, Time};
use crate::columns::column::{Column, From};

const ATTRIBUTES: &[Column] = &[
    Column::of("creationdate", Time, "creationDate", ""),
    Column::of("mfaauthenticated", Text, "mfaAuthenticated", ""),
];

const SESSION: &[Column] = &[
    Column::of("attributes", Struct(ATTRIBUTES), "attributes", ""),
    Column::of("sessionissuer", Struct(ISSUER), "sessionIssuer", ""),
    Column::of("webidfederationdata", Struct(FEDERATION), "webIdFederationData", ""),
    Column::of("sourceidentity", Text, "sourceIdentity", ""),
    Column::of("ec2roledelivery", Text, "ec2RoleDelivery", ""),
    Column::of("assumedroot", Text, "assumedRoot", ""),
];

const IDENTITY: &[Column] = &[
    Column::of("type", Text, "type", ""),
    Column::of("principalid", Text, "principalId", ""),
    Column::of("arn", Text, "arn", ""),
    Column::of("accountid", Text, "accountId", ""),
    Column::of("accesskeyid", Text, "accessKeyId", ""),
    Column::of("username", Text, "userName", ""),
    Column::of("sessioncontext", Struct(SESSION), "sessionContext", ""),
    Column::of("invokedby", Text, "invokedBy", ""),
    Column::of("identityprovider", Text, "identityProvider", ""),
    Column::of("credentialid", Text, "credentialId", ""),
    Column::of("onbehalfof", Struct(ON_BEHALF_OF), "onBehalfOf", ""),
];

const RESOURCE: &[Column] = &[
    Column::of("accountid", Text, "accountId", ""),
    Column::of("type", Text, "type", ""),
    Column::new("arn", Text, From::First(&["ARN", "arn"]), ""),
    Column::of("arnprefix", Text, "ARNPrefix", ""),
];

const ADDENDUM: &[Column] = &[
    Column::of("reason", Text, "reason", ""),
    Column::of("updatedfields", Text, "updatedFields", ""),
    Column::of("originalrequestid", Text, "originalRequestID", ""),
    Column::of("originaleventid", Text, "originalEventID", ""),
];

/// The columns of `cloudtrail_lake`.
pub const COLUMNS: &[Column] = &[
    Column::of("eventversion", Text, "eventVersion", "the version of the record's format"),
    Column::of("useridentity", Struct(IDENTITY), "userIdentity", "who called"),
    Column::new(
        "eventtime",
        Time,
        From::First(&["eventTime", "timeWindow.windowStart"]),
        "when the call was made, UTC",
    ),
    Column::of("eventsource", Text, "eventSource", "the service"),
    Column::of("eventname", Text, "eventName", "the API call"),
    Column::of("awsregion", Text, "awsRegion", "the region"),
    Column::of("sourceipaddress", Text, "sourceIPAddress", "the caller's address"),
    Column::of("useragent", Text, "userAgent", "the caller's program"),
    Column::of("errorcode", Text, "errorCode", "why the call failed; none: it was done"),
    Column::of("errormessage", Text, "errorMessage", "the same in words"),
    Column::of("requestparameters", Map, "requestParameters", "what the call asked for"),
    Column::of("responseelements", Map, "responseElements", "what the call answered"),
    Column::of("additionaleventdata", Map, "additionalEventData", "what else the service tells"),
    Column::of("requestid", Text, "requestID", "the service's id of the call"),
    Column::new("eventid", Text, From::First(&["eventID", "eventId"]), "the id of the event"),
    Column::of("readonly", Flag, "readOnly", "the call only reads"),
    Column::of("resources", List(RESOURCE), "resources", "the resources that the service itself names"),
    Column::of("eventtype", Text, "eventType", "`AwsApiCall` and others"),
    Column::of("apiversion", Text, "apiVersion", "the version of the service's API"),
    Column::of("managementevent", Flag, "managementEvent", "it is a management event"),
    Column::new(
        "recipientaccountid",
        Text,
        From::First(&["recipientAccountId", "accountId"]),
        "the account that the event was delivered to",
    ),
    Column::of(
        "sharedeventid",
        Text,
        "sharedEventID",
        "what the records of one call in several accounts have in common",
    ),
    Column::of("annotation", Text, "annotation", "why the record was changed"),
    Column::of("vpcendpointid", Text, "vpcEndpointId", "the VPC endpoint that the call came through"),
    Column::of("vpcendpointaccountid", Text, "vpcEndpointAccountId", "that endpoint's account"),
    Column::of("serviceeventdetails", Map, "serviceEventDetails", "what an event of the service is about"),
    Column::of("addendum", Struct(ADDENDUM), "addendum", "why a record came late or again"),
    Column::of("edgedevicedetails", Map, "edgeDeviceDetails", "of Snow devices"),
    Column::of("insightdetails", Json, "insightDetails", "what was unusual, against what, JSON text"),
    Column::of("eventcategory", Text, "eventCategory", "`Management`, `Data` and others"),
    Column::of("tlsdetails", Struct(TLS), "tlsDetails", "how the connection was encrypted"),
    Column::of(
        "sessioncredentialfromconsole",
        Text,
        "sessionCredentialFromConsole",
        "`true`: a session of the console",
    ),
    Column::new("eventjson", Json, From::Record, "the record as delivered"),
    Column::of("eventjsonchecksum", Text, "eventJsonChecksum", "of Lake's own store; none here"),
];
