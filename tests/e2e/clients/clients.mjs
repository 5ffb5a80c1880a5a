// clients: libraries that others have written, against one front server. Reads what it has to know as JSON from standard
// input and prints one line for each check. Run by clients.py from the folder that has the packages.
import { readFileSync } from "node:fs";
import * as jose from "jose";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";

const { front, port, issuer, audience, client, reader, byAlgorithm } = JSON.parse(readFileSync(0, "utf8"));
const checks = [];

function check(name, run) {
    checks.push([name, run]);
}

function must(condition, why) {
    if (!condition) throw new Error(why);
}

// The libraries see the issuer's https URLs, as in the field; TLS is the front server's affair and left out here.
async function reach(url, options) {
    const { origin } = new URL(issuer);
    must(String(url).startsWith(origin + "/"), `the server sent its client to ${url}`);
    return fetch(`http://127.0.0.1:${port}` + String(url).slice(origin.length), options);
}

const through = { [oauth.customFetch]: reach };

async function discoverServer() {
    const answer = await oauth.discoveryRequest(new URL(issuer), { algorithm: "oauth2", ...through });
    return oauth.processDiscoveryResponse(new URL(issuer), answer);
}

function discoverAs(who, method) {
    return openid.discovery(new URL(issuer), who.id, undefined, method(who.secret),
                            { algorithm: "oauth2", [openid.customFetch]: reach });
}

async function cycleOfOauth4webapi(method) {
    const server = await discoverServer();
    const me = { client_id: client.id }, api = { client_id: reader.id };
    const asked = await oauth.clientCredentialsGrantRequest(server, me, method(client.secret), { scope: "read" }, through);
    const token = await oauth.processClientCredentialsResponse(server, me, asked);
    must(token.token_type === "bearer" && token.expires_in > 0 && token.scope === "read", JSON.stringify(token));

    const introspect = async () => oauth.processIntrospectionResponse(server, api, await oauth.introspectionRequest(
        server, api, method(reader.secret), token.access_token, through));
    const live = await introspect();
    must(live.active && live.client_id === client.id && live.scope === "read", JSON.stringify(live));
    await oauth.processRevocationResponse(await oauth.revocationRequest(server, me, method(client.secret),
                                                                        token.access_token, through));
    const dead = await introspect();
    must(dead.active === false && Object.keys(dead).length === 1, JSON.stringify(dead));
}

// RFC 9701: the library wants content type, typ, iss, aud, iat and a signature by a published key, of an algorithm of the
// metadata; it gives back the claim token_introspection.
async function signedAnswer(token) {
    const server = await discoverServer(), api = { client_id: reader.id };
    const answer = await oauth.introspectionRequest(server, api, oauth.ClientSecretBasic(reader.secret), token,
                                                    { ...through, requestJwtResponse: true });
    must(answer.headers.get("content-type") === "application/token-introspection+jwt", answer.headers.get("content-type"));
    const said = await oauth.processIntrospectionResponse(server, api, answer);
    await oauth.validateApplicationLevelSignature(server, answer, through);
    return said;
}

async function cycleOfOpenidClient(method) {
    const me = await discoverAs(client, method), api = await discoverAs(reader, method);
    const token = await openid.clientCredentialsGrant(me, { scope: "read", resource: audience });
    must(token.token_type === "bearer" && token.expiresIn() > 0, JSON.stringify(token));
    const live = await openid.tokenIntrospection(api, token.access_token);
    must(live.active && live.client_id === client.id, JSON.stringify(live));
    await openid.tokenRevocation(me, token.access_token, { token_type_hint: "access_token" });
    must((await openid.tokenIntrospection(api, token.access_token)).active === false, "a revoked token is active");
}

async function refusalOf(promise) {
    try {
        await promise;
    } catch (refusal) {
        return refusal;
    }
    throw new Error("it was not refused");
}

check("A5 I1 oauth4webapi: token, introspection and revocation by Basic", () => cycleOfOauth4webapi(oauth.ClientSecretBasic));
check("A5 I7 oauth4webapi: token, introspection and revocation by post", () => cycleOfOauth4webapi(oauth.ClientSecretPost));
check("C10 oauth4webapi: signed answers about a live and a revoked token, verified by the published keys", async () => {
    const server = await discoverServer(), me = { client_id: client.id }, proof = oauth.ClientSecretBasic(client.secret);
    const asked = await oauth.clientCredentialsGrantRequest(server, me, proof, { scope: "read" }, through);
    const { access_token } = await oauth.processClientCredentialsResponse(server, me, asked);
    const live = await signedAnswer(access_token);
    must(live.active && live.client_id === client.id && live.aud === audience, JSON.stringify(live));
    await oauth.processRevocationResponse(await oauth.revocationRequest(server, me, proof, access_token, through));
    const dead = await signedAnswer(access_token);
    must(dead.active === false && Object.keys(dead).length === 1, JSON.stringify(dead));
});

check("A5 I1 openid-client: token, introspection and revocation by Basic", () => cycleOfOpenidClient(openid.ClientSecretBasic));
check("A5 I7 openid-client: token, introspection and revocation by post", () => cycleOfOpenidClient(openid.ClientSecretPost));

check("A17 I8 oauth4webapi: a wrong secret is seen as a challenge", async () => {
    const server = await discoverServer(), me = { client_id: client.id };
    const asked = await oauth.clientCredentialsGrantRequest(server, me, oauth.ClientSecretBasic("wrong"), {}, through);
    const refusal = await refusalOf(oauth.processClientCredentialsResponse(server, me, asked));
    must(refusal instanceof oauth.WWWAuthenticateChallengeError, `${refusal.name}: ${refusal.message}`);
    must(refusal.status === 401 && refusal.cause[0].scheme === "basic" && refusal.cause[0].parameters.realm, "challenge");
});

check("A11 openid-client: a scope that is not granted is invalid_scope", async () => {
    const me = await discoverAs(client, openid.ClientSecretPost);
    const refusal = await refusalOf(openid.clientCredentialsGrant(me, { scope: "admin" }));
    must(refusal instanceof openid.ResponseBodyError && refusal.error === "invalid_scope", `${refusal.name}: ${refusal.message}`);
});

check("B1 B2 B4 oauth4webapi: the token passes its RFC 9068 validation", async () => {
    const server = await discoverServer(), me = { client_id: client.id };
    const asked = await oauth.clientCredentialsGrantRequest(server, me, oauth.ClientSecretBasic(client.secret), {}, through);
    const token = await oauth.processClientCredentialsResponse(server, me, asked);
    const call = new Request(audience, { headers: { authorization: `Bearer ${token.access_token}` } });
    const claims = await oauth.validateJwtAccessToken(server, call, audience, through);
    must(claims.client_id === client.id && claims.sub === client.id, JSON.stringify(claims));
});

check("B6 I3 jose: verifies a token of each algorithm by the published keys", async () => {
    const { jwks_uri } = await discoverServer();
    const keys = jose.createRemoteJWKSet(new URL(jwks_uri), { [jose.customFetch]: reach });
    must(Object.keys(byAlgorithm).length === 4, "there are tokens of four algorithms");
    for (const [algorithm, token] of Object.entries(byAlgorithm)) {
        const { protectedHeader } = await jose.jwtVerify(token, keys, { issuer, audience, typ: "at+jwt" });
        must(protectedHeader.alg === algorithm, `${protectedHeader.alg} is not ${algorithm}`);
        const [header, payload] = token.split(".");
        const forged = [header, payload, jose.base64url.encode(new Uint8Array(64))].join(".");
        await refusalOf(jose.jwtVerify(forged, keys));
    }
});

for (const [name, run] of checks) {
    try {
        await run();
        console.log(`ok - ${name} [${front}]`);
    } catch (fault) {
        const why = `${fault.name}: ${fault.message} ${fault.cause ? JSON.stringify(fault.cause, Object.getOwnPropertyNames(fault.cause)) : ""}`;
        console.log(`not ok - ${name} [${front}] # ${why.replace(/\s+/g, " ").slice(0, 600)}`);
        process.exitCode = 1;
    }
}
