// told: what clients.py says on standard input, and the lines that are printed for it: one for each check.
import { readFileSync } from "node:fs";

export const told = JSON.parse(readFileSync(0, "utf8"));
const checks = [];

export function check(name, run) {
    checks.push([name, run]);
}

export function must(condition, why) {
    if (!condition) throw new Error(why);
}

export function same(got, wanted, what) {
    must(got === wanted, `${what}: ${JSON.stringify(got)} is not ${JSON.stringify(wanted)}`);
}

export async function refusalOf(promise) {
    try {
        await promise;
    } catch (refusal) {
        return refusal;
    }
    throw new Error("it was not refused");
}

// That it is a refusal in the body of an answer, of that error.
export function mustRefuse(refusal, error) {
    must(refusal.name === "ResponseBodyError" && refusal.error === error, `${refusal.name}: ${refusal.message}`);
}

export async function runChecks() {
    for (const [name, run] of checks) {
        try {
            await run();
            console.log(`ok - ${name} [${told.front}]`);
        } catch (fault) {
            const cause = fault.cause ? JSON.stringify(fault.cause, Object.getOwnPropertyNames(fault.cause)) : "";
            const why = `${fault.name}: ${fault.message} ${cause}`.replace(/\s+/g, " ").slice(0, 600);
            console.log(`not ok - ${name} [${told.front}] # ${why}`);
            process.exitCode = 1;
        }
    }
}
