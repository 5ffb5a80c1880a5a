// dpop: tokens that are bound to a key (RFC 9449); run with and without nonces of the server.
import * as jose from "jose";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { cycleOfOauth4webapi, cycleOfOpenidClient, discoverServer, grant } from "./cycles.mjs";
import { reach } from "./reach.mjs";
import { check, must, mustRefuse, refusalOf, runChecks, same, told } from "./told.mjs";

const { issuer, audience, bound, reader, nonces } = told;
const ALGORITHMS = { ES256: "ES256", RS256: "RS256", PS256: "PS256", EdDSA: "Ed25519", Ed25519: "Ed25519" };

// What was asked for, and answered: a nonce has to be seen to be used.
const asked = [];

async function watched(url, options) {
    const answer = await reach(url, options);
    if (String(url).endsWith("/token")) asked.push(answer.status);
    return answer;
}

const way = { client: bound, reader, fetch: watched, proof: (library, who) => library.ClientSecretBasic(who.secret) };
const through = { [oauth.customFetch]: reach };

async function withKeys(keys) {
    asked.length = 0;
    return { ...way, keys: await keys };
}

// Each new pair of keys comes without a nonce first, and again with the one that it was told.
function mustHaveAsked() {
    same(asked.join(" "), nonces ? "400 200" : "200", "answers of /token");
}

check("G2 G3 C8 oauth4webapi: the cycle by DPoP, cnf.jkt and token_type in introspection", async () => {
    await cycleOfOauth4webapi(await withKeys(oauth.generateKeyPair("ES256")));
    mustHaveAsked();
});

check("G2 G3 C8 openid-client: the cycle by DPoP, cnf.jkt and token_type in introspection", async () => {
    await cycleOfOpenidClient(await withKeys(openid.randomDPoPKeyPair("ES256")));
    mustHaveAsked();
});

// The libraries write the name of RFC 9864 for EdDSA, and give the caller a say: both are taken.
check("G1 E7 oauth4webapi: a proof of each algorithm that the metadata lists", async () => {
    const server = await discoverServer(reach), me = { client_id: bound.id };
    same([...server.dpop_signing_alg_values_supported].sort().join(), Object.keys(ALGORITHMS).sort().join(), "the list");
    for (const [algorithm, name] of Object.entries(ALGORITHMS)) {
        const DPoP = oauth.DPoP(me, await oauth.generateKeyPair(name), {
            [oauth.modifyAssertion]: (header) => Object.assign(header, { alg: algorithm }) });
        const token = await grant(server, way, { scope: "read" }, DPoP);
        same(jose.decodeJwt(token.access_token).cnf.jkt, await DPoP.calculateThumbprint(), `jkt by ${algorithm}`);
    }
});

check("G4 openid-client: a client that has to bring a proof gets nothing without one", async () => {
    const config = await openid.discovery(new URL(issuer), bound.id, undefined, openid.ClientSecretBasic(bound.secret),
                                          { algorithm: "oauth2", [openid.customFetch]: reach });
    const refusal = await refusalOf(openid.clientCredentialsGrant(config, { scope: "read" }));
    mustRefuse(refusal, "invalid_dpop_proof");
});

// The request that the library would send to the API.
async function callOf(token, DPoP) {
    let call;
    const keep = async (url, options) => {
        call = new Request(url, options);
        return new Response("");
    };
    await oauth.protectedResourceRequest(token, "GET", new URL(audience), undefined, undefined,
                                         { DPoP, [oauth.customFetch]: keep });
    return call;
}

check("G5 B2 oauth4webapi: a bound token passes its validation with a proof of its key, and in no other way", async () => {
    const server = await discoverServer(reach), me = { client_id: bound.id };
    const DPoP = oauth.DPoP(me, await oauth.generateKeyPair("ES256"));
    const other = oauth.DPoP(me, await oauth.generateKeyPair("ES256"));
    const { access_token } = await grant(server, way, { scope: "read" }, DPoP);
    const options = { ...through, requireDPoP: true };
    const claims = await oauth.validateJwtAccessToken(server, await callOf(access_token, DPoP), audience, options);
    same(claims.cnf.jkt, await DPoP.calculateThumbprint(), "jkt");
    same(claims.client_id, bound.id, "client_id");
    const stolen = await refusalOf(oauth.validateJwtAccessToken(server, await callOf(access_token, other), audience, options));
    must(stolen.message.includes("confirmation mismatch"), stolen.message);
    const bare = await refusalOf(oauth.validateJwtAccessToken(server, await callOf(access_token), audience, through));
    must(bare.message.includes("no DPoP HTTP Header"), bare.message);
});

check("G1 jose: cnf of a token that is verified here is the thumbprint of the key", async () => {
    const server = await discoverServer(reach), keys = await oauth.generateKeyPair("ES256");
    const { access_token } = await grant(server, way, { scope: "read" }, oauth.DPoP({ client_id: bound.id }, keys));
    const published = jose.createRemoteJWKSet(new URL(server.jwks_uri), { [jose.customFetch]: reach });
    const { payload } = await jose.jwtVerify(access_token, published, { issuer, audience, typ: "at+jwt" });
    same(payload.cnf.jkt, await jose.calculateJwkThumbprint(await jose.exportJWK(keys.publicKey)), "jkt");
});

await runChecks();
