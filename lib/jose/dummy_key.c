#include "dummy_key.h"

/* The private halves have not been kept. */
static const struct {
    enum jws_algorithm algorithm; /* RS256 also for PS256 */
    size_t signature_size;
    const char *jwk;
} dummies[] = {
    { JWS_ES256, 64,
      "{\"kty\":\"EC\",\"crv\":\"P-256\","
      "\"x\":\"rPT8qyrY6Au1k8tVORHjKUpw6yooXwnBCcO3hl9HjSc\","
      "\"y\":\"O5VSrM6FzloWsMzfd4sErRW8hjawhVd8-dEyKMhTM6k\"}" },
    { JWS_EdDSA, 64,
      "{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
      "\"x\":\"y9B8WhRWdEpPf-f4T6hf_q7xfo5BMPBpnYqJdnQm13Q\"}" },
    { JWS_RS256, 256,
      "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\""
      "payD_Pg9rVCeeQqo6BuEWx-ayPMgC2l4gAR454-9sjE40oSDgtE3789GDNjfDz0O30bmXv-4RWpXYePficFCuYRIGVUkVONq8uVh"
      "GDltkpyG0iAFUPRT71L3-VginTtkGmy2LVLBAz4Hw96W-synykFii7BkcCYCMsBayLiHLhR_V7fdf9sRgJghbEWvh2J-cA9q_4VH"
      "lfuuYy0h2M9V3HGrG18LmcWIirOBa1pW16rbfbltiPhjAHm484NDVNilcN0dEYydM_-LLBM2rafAMgwp497l7iw9FMt7HfhAepXO"
      "XKXCk8FoANbsM0UnNXzPE96t6hX-d7zv_IYQ9OQ1qQ"
      "\"}" },
    { JWS_RS256, 384,
      "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\""
      "ncJflmjDJYoAjFhCGPzWD1W4a2W19rYPhw1FwmdgBd54gFE5RWJyFQq-iI03WMX3kxRLpMmZu7CjbgOvgcGVo-QWVMeFWm9WrT_c"
      "6iuSNp1hBdE3TElNhZKw8eLshvJqN9SH71FYcmXKetIpttBV0O3TkLrap9tUJFCMJh1L22D2R9ROGx8bjUxJFv9PALQ9q_PKBlSF"
      "lYoiNW95TzsEVKCGR_zPlqF5C9q2JcP3Mb7PkYSsB3-tAWnw-HSg8RRXpL2crNsIFIut0lk4KcmIiHhwLYU98Kp0xxIMTwp1CVc4"
      "fDfG_nhsksiAF3HtkPfAfwG3SdYGiRoWFCgKjr_8e-LQ0DeNbu_NGGQAn-CvmMd5cOqbkP0SuhK7ezwagYLE1glA-vSmMOghzF4g"
      "N6AmaJE7-aeLaC-Bti9LNGseIpzYgg578tMRIi8PYDEQBasNTabnaJk2adv4Q81ddxuAVOqGtY4IflhfQ29jX3-RLklQ3DiPuwa_"
      "rZdfjNlHM5FL"
      "\"}" },
    { JWS_RS256, 512,
      "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\""
      "xS2xZKyjzejwExSnRrF59BplVRJN1NnNf87Qfmg40dE3YehkOASLEP3buFnbVclidL0CZJdk12WmP53JDpD7-f_a2Ml323a-84m5"
      "nS8EIoC9hF5d5jXb9vQMCYrIFqEM7LDHKbO3ShAjRvNvBNsknLsi4chwgAxGIfsVwj7LnPjFyuU4A51peEadjmhjKcPLqJxAWSQk"
      "ABjhP7R_-CnQ8PqpDW1b58Y0J_9uyPot3r36u2mLI9hbhNTZ2wgr5cx2vD00E1WVB6AXW7y0L4hA96gCFcNIv6nkWsEJSNNLyMgE"
      "3xuBAqg1wYLnYMDnoubXBtAeU-CF7W1vN21vMQKKxzxa46O5GrUnhPLxIvvDAoNOAUtNQfGxPBWYGf0dqWxt6Cr5Z8914uDsfyVz"
      "yzoEfzudLyX1l9wLknA1pTxIaaEt6bcKAYMBHaQmZaMT31MTW4DYmErW7QfgAdp7BiUoUKBGenfYaEnAFZc7CkrzENJJ6ZezriFW"
      "bUL-vqGZ8xhU7OrATNZC13aL-1gFJFoS_bE1qIY5nhb9ARbi4LycKdPdkQdx_fioTX4WGFZTTPqvIcUT2UEdmEBqe7aswu2Wd60T"
      "9BqmdAS6Klf-G8ouAhAGUuK2XdC3c7OFJtXQj2eGoBDTRMUN2jYZGa1Nms4KP8rxZW6qFBw9sO1B5OxVNg8"
      "\"}" },
};

struct text dummy_key_find(enum jws_algorithm algorithm, size_t signature_size)
{
    if (algorithm == JWS_PS256) algorithm = JWS_RS256;
    for (size_t i = 0; i < sizeof dummies / sizeof *dummies; i++)
        if (dummies[i].algorithm == algorithm && dummies[i].signature_size == signature_size)
            return text_of(dummies[i].jwk);
    return TEXT_NONE;
}
