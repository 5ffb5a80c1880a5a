/* keyrot: the lifetime of one signing key on hosts whose replicas lag, and whether every token that it signed is verified.
 *
 * The key is published at 0, signs from ACT, gets its retirement time written at ENDS (in advance by a rotation, or for at
 * once by hand) and is removed RET after it retires. Host A signs; hosts B and C serve the JWK Set. A host sees a row once
 * the row is as old as the host's lag. A host that lags more than LATE does not sign, and the set of a host that lags more
 * than LAG must not be cached. No two clocks differ by more than OFF; the times in a row are by the clock of the host that
 * wrote it.
 *
 * Claim: while a token is valid, a verifier that caches the set for at most TTL has its key. With ACT or RET one tick
 * shorter the claim fails. The bounds are those of lib/jose/rotation.h, where ROTATION_SKEW is 2 * OFF in both. */
#define OFF  1
#define LAG  1
#define LATE 2
#define TTL  2
#define LIFE 2
#ifndef EARLY                           /* ticks by which a bound is violated, to show that it is needed */
#define EARLY 0
#endif
#ifndef SHORT
#define SHORT 0
#endif
#define ACT  (LAG + TTL + OFF - EARLY)
#define RET  (LIFE + LATE + 2 * OFF - SHORT)
#define ENDS (ACT + 2)
#define LAST (ENDS + ACT + LAG + RET + LIFE + 4)

byte t, lagA, lagB, lagC;
byte offA, offB, offC, offK, offV;      /* K: who writes the rows; V: the verifier */
byte retire, age, expires;              /* of the key; of the verifier's copy; of the last token */
bool has, token;

#define knows(lag, since) (t >= (since) + (lag))
#define publishes(lag, off) (knows(lag, 0) && t + off >= offK && !(knows(lag, ENDS) && t + off >= retire + RET))
#define signs (knows(lagA, 0) && t + offA >= offK + ACT && !(knows(lagA, ENDS) && t + offA >= retire))

inline fetch(lag, off) {
    if
    :: lag <= LAG -> has = publishes(lag, off); age = 0
    :: else
    fi
}

init {
    select (lagA : 0 .. LATE);
    select (lagB : 0 .. LATE);
    select (lagC : 0 .. LAG);
    select (offA : 0 .. OFF);
    select (offB : 0 .. OFF);
    select (offC : 0 .. OFF);
    select (offK : 0 .. OFF);
    select (offV : 0 .. OFF);
    if
    :: retire = ENDS + offK
    :: retire = ENDS + offK + ACT + LAG
    fi;
    has = publishes(lagC, offC);
    do
    :: t == LAST -> break
    :: else ->
        atomic {
            if
            :: signs -> token = true; expires = t + offA + LIFE
            :: true
            fi;
            if
            :: fetch(lagB, offB)
            :: true
            fi;
            if
            :: fetch(lagC, offC)
            :: age <= TTL
            fi;
            assert(!token || t + offV > expires || age > TTL || has);
            t++;
            age++
        }
    od
}
