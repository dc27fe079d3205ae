//! Calls about networks, as standards ask to be notified of them.

use super::{Call, NamedAt, Service, Target, call};
use NamedAt::{Request, Response};

const fn group(name: &'static str) -> Call {
    call(name, Target::SecurityGroup, &[Request("groupId")])
}

const fn acl(name: &'static str) -> Call {
    call(name, Target::NetworkAcl, &[Request("networkAclId")])
}

const fn internet_gateway(name: &'static str) -> Call {
    call(name, Target::Gateway, &[Request("internetGatewayId")])
}

const fn route_table(name: &'static str) -> Call {
    call(name, Target::RouteTable, &[Request("routeTableId")])
}

const fn vpc(name: &'static str) -> Call {
    call(name, Target::Vpc, &[Request("vpcId")])
}

const fn peering(name: &'static str) -> Call {
    call(name, Target::Vpc, &[Request("vpcPeeringConnectionId")])
}

pub(super) const EC2: Service = Service {
    source: "ec2.amazonaws.com",
    prefix: "ec2",
    calls: &[
        group("AuthorizeSecurityGroupIngress"),
        group("AuthorizeSecurityGroupEgress"),
        group("RevokeSecurityGroupIngress"),
        group("RevokeSecurityGroupEgress"),
        call("CreateSecurityGroup", Target::SecurityGroup, &[Response("groupId"), Request("groupName")]),
        group("DeleteSecurityGroup"),
        call("ModifySecurityGroupRules", Target::SecurityGroup, &[Request("ModifySecurityGroupRulesRequest.GroupId")]),
        call("CreateNetworkAcl", Target::NetworkAcl, &[Response("networkAcl.networkAclId")]),
        acl("CreateNetworkAclEntry"),
        acl("DeleteNetworkAcl"),
        acl("DeleteNetworkAclEntry"),
        acl("ReplaceNetworkAclEntry"),
        acl("ReplaceNetworkAclAssociation"),
        call("CreateCustomerGateway", Target::Gateway, &[Response("customerGateway.customerGatewayId")]),
        call("DeleteCustomerGateway", Target::Gateway, &[Request("customerGatewayId")]),
        internet_gateway("AttachInternetGateway"),
        call("CreateInternetGateway", Target::Gateway, &[Response("internetGateway.internetGatewayId")]),
        internet_gateway("DeleteInternetGateway"),
        internet_gateway("DetachInternetGateway"),
        route_table("CreateRoute"),
        call("CreateRouteTable", Target::RouteTable, &[Response("routeTable.routeTableId")]),
        route_table("ReplaceRoute"),
        route_table("ReplaceRouteTableAssociation"),
        route_table("DeleteRouteTable"),
        route_table("DeleteRoute"),
        call("DisassociateRouteTable", Target::RouteTable, &[Request("associationId")]),
        call("CreateVpc", Target::Vpc, &[Response("vpc.vpcId")]),
        vpc("DeleteVpc"),
        vpc("ModifyVpcAttribute"),
        peering("AcceptVpcPeeringConnection"),
        call("CreateVpcPeeringConnection", Target::Vpc, &[Response("vpcPeeringConnection.vpcPeeringConnectionId")]),
        peering("DeleteVpcPeeringConnection"),
        peering("RejectVpcPeeringConnection"),
        vpc("AttachClassicLinkVpc"),
        vpc("DetachClassicLinkVpc"),
        vpc("DisableVpcClassicLink"),
        vpc("EnableVpcClassicLink"),
    ],
};
