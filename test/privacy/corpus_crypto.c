// corpus_crypto.c -- JSON web tokens, private keys, wallet seeds.
//
// Source: RFC 7519, RFC 7468, BIP-39.
// SPDX-License-Identifier: MIT
#include "corpus_kit.h"

#include <bip39_words.h>
#include <openssl/sha.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char base64[] = ALNUM "+/";

// base64url without padding; returns the end of out.
static char *encode_url(char *out, const char *text)
{
    unsigned bits = 0, held = 0;
    for (; *text; text++) {
        held = held << 8 | (unsigned char)*text;
        for (bits += 8; bits >= 6; bits -= 6) {
            *out++ = base64[held >> (bits - 6) & 63];
        }
    }
    if (bits) {
        *out++ = base64[held << (6 - bits) & 63];
    }
    *out = 0;
    return out;
}

void corpus_jwt(struct corpus_item *item, struct chance *r, unsigned n)
{
    static const char *const heads[] = {
        "{\"alg\":\"HS256\",\"typ\":\"JWT\"}", "{\"typ\":\"JWT\",\"alg\":\"RS256\"}",
        "{\"alg\":\"ES256\",\"kid\":\"k1\",\"typ\":\"JWT\"}", "{\"alg\":\"HS512\"}"};
    static const char *const contexts[] = {
        "~S",
        "Authorization: Bearer ~S",
        "token=~S",
        "\"id_token\": \"~S\"",
        "Cookie: session=~S; theme=dark",
        "jwt: ~S",
        "curl -H \"Authorization: Bearer ~S\"",
        "https://app.example.com/callback#access_token=~S",
        "localStorage.token = '~S'",
        "~N pasted ~S",
        "eyes only\n~S",
    };
    char claims[128];
    snprintf(claims, sizeof(claims), "{\"sub\":\"%u\",\"name\":\"u%u\",\"iat\":%u}",
             chance_in(r, 1000, 999999), chance_below(r, 999),
             1500000000u + chance_below(r, 300000000));
    item->kind = "jwt";
    char *out = encode_url(item->secret, heads[n % COUNT(heads)]);
    *out++ = '.';
    out = encode_url(out, claims);
    *out++ = '.';
    chance_chars(r, out, n % 4 == 1 ? 342 : 43, ALNUM "-_");
    if (n % 4 == 1) {
        out[171] = 0;  // as much as a window shows
    }
    item_say(item, r, PICK(r, contexts));
}

// lines lines of base64, the last one shorter; returns the end of out.
static char *add_body(struct chance *r, char *out, const char *first, unsigned width,
                      unsigned lines)
{
    size_t n = strlen(first);
    memcpy(out, first, n);
    for (unsigned line = 0; line < lines; line++) {
        unsigned have = line == 0 ? (unsigned)n : 0;
        unsigned want = line + 1 == lines && line > 0 ? width / 2 : width;
        chance_chars(r, out + have, want - have, base64);
        out += want;
        *out++ = '\n';
    }
    return out;
}

static void make_putty(struct chance *r, char *out)
{
    char *at = out + sprintf(out, "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n"
                                  "Comment: eddsa-key\nPublic-Lines: 2\n");
    at = add_body(r, at, "AAAAC3NzaC1lZDI1NTE5AAAAI", 64, 2);
    at += sprintf(at, "Private-Lines: 1\n");
    at = add_body(r, at, "AAAAI", 48, 1);
    at += sprintf(at, "Private-MAC: ");
    chance_chars(r, at, 64, HEX);
}

void corpus_private_key(struct corpus_item *item, struct chance *r, unsigned n)
{
    static const struct {
        const char *name, *label, *first;
        unsigned width, lines;
    } kinds[] = {
        {"rsa", "RSA PRIVATE KEY", "MIIEpAIBAAKCAQEA", 64, 7},
        {"openssh", "OPENSSH PRIVATE KEY", "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU", 70, 5},
        {"pkcs8", "PRIVATE KEY", "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0w", 64, 3},
        {"ec", "EC PRIVATE KEY", "MHcCAQEEI", 64, 3},
        {"encrypted", "ENCRYPTED PRIVATE KEY", "MIIFHDBOBgkqhkiG9w0BBQ0w", 64, 6},
        {"ed25519", "PRIVATE KEY", "MC4CAQAwBQYDK2VwBCIEI", 64, 1},
        {"pgp", "PGP PRIVATE KEY BLOCK", "lQOYBF", 64, 6},
        {"dsa", "DSA PRIVATE KEY", "MIIBuwIBAAKBgQ", 64, 6},
    };
    static const char *const contexts[] = {"~S", "$ cat ~W.pem\n~S", "key: |\n~S",
                                           "~N wrote:\n~S", "ssh-key\n~S"};
    char *s = item->secret;
    if (n % 10 == 9) {
        item->kind = "putty";
        make_putty(r, s);
        item_say(item, r, PICK(r, contexts));
        return;
    }
    const unsigned row = n % COUNT(kinds);
    const char *label = kinds[row].label;
    item->kind = kinds[row].name;
    unsigned cut =
        chance_below(r, 5);  // 0: the lower edge of the screen, 1: the upper one
    char *at = s;
    if (cut != 1) {
        at += sprintf(at, "-----BEGIN %s-----\n", label);
    }
    bool is_pgp = strstr(label, "PGP") != NULL;
    if (is_pgp && cut != 1) {
        at += sprintf(at, "\n");
    }
    at = add_body(r, at, kinds[row].first, kinds[row].width, kinds[row].lines);
    if (cut == 0) {
        at[-1] = 0;
    } else {
        sprintf(at, "-----END %s-----", label);
    }
    item_say(item, r, PICK(r, contexts));
}

// Entropy, then its check bits, cut into eleven bits a word.
static void make_seed(struct chance *r, unsigned words, uint16_t *index)
{
    unsigned char bits[33], sum[SHA256_DIGEST_LENGTH];
    unsigned bytes = words / 3 * 4;
    for (unsigned i = 0; i < bytes; i++) {
        bits[i] = (unsigned char)chance_next(r);
    }
    SHA256(bits, bytes, sum);
    bits[bytes] = sum[0];
    for (unsigned w = 0; w < words; w++) {
        unsigned v = 0;
        for (unsigned b = w * 11; b < w * 11 + 11; b++) {
            v = v << 1 | (bits[b / 8] >> (7 - b % 8) & 1u);
        }
        index[w] = (uint16_t)v;
    }
}

void corpus_seed(struct corpus_item *item, struct chance *r, unsigned n)
{
    static const unsigned lengths[] = {12, 24, 12, 18, 12, 15, 21};
    static const char *const contexts[] = {
        "~S",
        "Recovery phrase\n~S",
        "Write these words down: ~S",
        "seed: ~S",
        "Your secret recovery phrase:\n~S\nContinue",
        "wallet = \"~S\"",
        "Ihre Wiederherstellungsphrase:\n~S",
        "mnemonic=~S",
        "~N, keep this safe: ~S",
    };
    unsigned words = lengths[n % COUNT(lengths)];
    uint16_t index[24];
    char *at = item->secret;
    make_seed(r, words, index);
    item->kind = words == 12 ? "12 words" : words == 24 ? "24 words" : "other";
    unsigned form = chance_below(r, 5);
    for (unsigned w = 0; w < words; w++) {
        const char *word = bip39_words[index[w]];
        if (form == 0) {  // numbered, as wallets show them
            at += sprintf(at, "%s%u. %s", w ? (w % 3 ? "  " : "\n") : "", w + 1, word);
        } else if (form == 1) {
            at += sprintf(at, "%s%s", w ? (w % 4 ? " " : "\n") : "", word);
        } else if (form == 2) {
            at += sprintf(at, "%s%s", w ? ", " : "", word);
        } else {
            at += sprintf(at, "%s%s", w ? " " : "", word);
        }
    }
    assert(strlen(item->secret) < sizeof(item->secret));
    item_say(item, r, PICK(r, contexts));
}
