// reach: the way of the libraries to the front server. They see the https URLs of the issuer, as in the field; what is
// replaced is where a host is found.
import { readFileSync } from "node:fs";
import * as https from "node:https";
import { must, told } from "./told.mjs";

const { port, tlsPort, issuer, mtls, authority } = told;

// Without TLS, which concerns only the front server if no client presents a certificate.
export async function reach(url, options) {
    const { origin } = new URL(issuer);
    must(String(url).startsWith(origin + "/"), `the server sent its client to ${url}`);
    return fetch(`http://127.0.0.1:${port}` + String(url).slice(origin.length), options);
}

function readAll(answer) {
    return new Promise((resolve, reject) => {
        const pieces = [];
        answer.on("data", (piece) => pieces.push(piece)).on("error", reject);
        answer.on("end", () => resolve(new Response(Buffer.concat(pieces),
                                                    { status: answer.statusCode, headers: answer.headers })));
    });
}

// A fetch whose connections show that certificate, to the host that asks for one: mtls_endpoint_aliases.
export function reachWith(certificate) {
    const shown = { ca: readFileSync(authority), cert: readFileSync(certificate.path), key: readFileSync(certificate.key) };
    return (url, options) => new Promise((resolve, reject) => {
        const { origin, hostname, pathname, search } = new URL(url);
        if (origin === new URL(issuer).origin && options.method === "GET") return resolve(reach(url, options));
        must(origin === new URL(mtls).origin, `a client with a certificate was sent to ${url}`);
        const headers = { ...Object.fromEntries(new Headers(options.headers)), host: hostname };
        const asked = https.request({ host: "127.0.0.1", port: tlsPort, servername: hostname, path: pathname + search,
                                      method: options.method, headers, agent: false, ...shown },
                                    (answer) => resolve(readAll(answer)));
        asked.on("error", reject).end(String(options.body ?? ""));
    });
}
