// scimmy-routers over a store in memory. The protocol is theirs; here are only the store and the token.
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const {FOREIGN_PORT: port, FOREIGN_TOKEN: token} = process.env;
const users = new Map();
const groups = new Map();
const byName = new Map();
let lastId = 0;

const notFound = id => new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);
const taken = name => new SCIMMY.Types.Error(409, "uniqueness", `${name} is taken`);
const stamped = (id, before, given) => {
    const now = new Date().toISOString();
    return {...JSON.parse(JSON.stringify(given)), id, meta: {created: before?.meta.created ?? now, lastModified: now}};
};
const groupsOf = id => [...groups.values()]
    .filter(group => group.members?.some(member => member.value === id))
    .map(group => ({value: group.id, display: group.displayName}));
const shownUser = user => ({...user, groups: groupsOf(user.id)});
const oneName = /^userName eq "([^"]*)"$/i;

function readUsers(resource) {
    if (resource.id) {
        if (!users.has(resource.id)) throw notFound(resource.id);
        return shownUser(users.get(resource.id));
    }
    const name = resource.filter && oneName.exec(resource.filter.expression ?? "")?.[1];
    if (name !== undefined) return [byName.get(name.toLowerCase())].filter(Boolean).map(shownUser);
    const all = [...users.values()].map(shownUser);
    return resource.filter ? resource.filter.match(all) : all;
}

function writeUser(resource, given) {
    const before = resource.id && users.get(resource.id);
    if (resource.id && !before) throw notFound(resource.id);
    const name = given.userName.toLowerCase();
    if (byName.has(name) && byName.get(name) !== before) throw taken(given.userName);
    const user = stamped(resource.id ?? String(++lastId), before, given);
    if (before) byName.delete(before.userName.toLowerCase());
    byName.set(name, user);
    users.set(user.id, user);
    return shownUser(user);
}

function deleteUser(resource) {
    if (!users.has(resource.id)) throw notFound(resource.id);
    byName.delete(users.get(resource.id).userName.toLowerCase());
    users.delete(resource.id);
    for (const group of groups.values()) group.members = group.members?.filter(({value}) => value !== resource.id);
}

function readGroups(resource) {
    if (resource.id) {
        if (!groups.has(resource.id)) throw notFound(resource.id);
        return groups.get(resource.id);
    }
    const all = [...groups.values()];
    return resource.filter ? resource.filter.match(all) : all;
}

function writeGroup(resource, given) {
    const before = resource.id && groups.get(resource.id);
    if (resource.id && !before) throw notFound(resource.id);
    const group = stamped(resource.id ?? String(++lastId), before, given);
    groups.set(group.id, group);
    return group;
}

function deleteGroup(resource) {
    if (!groups.delete(resource.id)) throw notFound(resource.id);
}

SCIMMY.Config.set({patch: true, filter: {supported: true, maxResults: 20}});
SCIMMY.Resources.declare(SCIMMY.Resources.User, {ingress: writeUser, egress: readUsers, degress: deleteUser});
SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser, false);
SCIMMY.Resources.declare(SCIMMY.Resources.Group, {ingress: writeGroup, egress: readGroups, degress: deleteGroup});

const application = express();
application.use("/scim/v2", new SCIMMYRouters({
    type: "bearer",
    handler: request => {
        if (request.header("Authorization") !== `Bearer ${token}`) throw new Error("no such token");
        return "the-client";
    },
}));
application.listen(Number(port), "127.0.0.1");
process.stdin.on("end", () => process.exit(0)).resume();
