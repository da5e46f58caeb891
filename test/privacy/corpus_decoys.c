// corpus_decoys.c -- what fills screens and must not be taken for a secret.
//
// In a template {x40} becomes 40 hex digits, {#6} six digits, {*9} letters and digits,
// {A3} capitals, {a3} small letters; the marks of item_say come after that.
// SPDX-License-Identifier: MIT
#include "corpus_kit.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct decoy {
    const char *kind;
    enum privacy_category category;
    const char *text;
};

static const struct decoy hashes[] = {
    {"git log", PRIVACY_TOKEN, "commit {x40}\nAuthor: ~N ~L\nDate: ~D"},
    {"git log", PRIVACY_TOKEN, "{x7} Fix the ~W\n{x7} Merge branch 'main'\n{x7} Add ~W"},
    {"git diff", PRIVACY_TOKEN, "index {x7}..{x7} 100644"},
    {"git ref", PRIVACY_TOKEN, "{x40}\trefs/heads/~W"},
    {"git describe", PRIVACY_TOKEN, "v2.{#1}.{#2}-{#2}-g{x7}"},
    {"submodule", PRIVACY_TOKEN, "-{x40} deps/~W"},
    {"sha256sum", PRIVACY_TOKEN, "{x64}  ~W.tar.gz"},
    {"md5sum", PRIVACY_TOKEN, "{x32} *~W.iso"},
    {"docker", PRIVACY_TOKEN, "docker.io/library/~W@sha256:{x64}"},
    {"docker ps", PRIVACY_TOKEN, "{x12}   ~W:latest   \"/entry\"   2 hours ago"},
    {"checksum", PRIVACY_TOKEN, "SHA-256: {x64}"},
    {"etag", PRIVACY_TOKEN, "ETag: \"{x32}\""},
    {"uuid", PRIVACY_TOKEN, "{x8}-{x4}-4{x3}-a{x3}-{x12}"},
    {"uuid", PRIVACY_TOKEN, "request_id={x8}-{x4}-4{x3}-b{x3}-{x12}"},
    {"uuid", PRIVACY_TOKEN,
     "{\"id\": \"{x8}-{x4}-4{x3}-9{x3}-{x12}\", \"name\": \"~W\"}"},
    {"uuid", PRIVACY_TOKEN, "UUID=\"{x8}-{x4}-4{x3}-8{x3}-{x12}\" TYPE=\"ext4\""},
    {"lock file", PRIVACY_TOKEN, "checksum = \"{x64}\""},
    {"integrity", PRIVACY_TOKEN, "integrity sha512-{*86}=="},
    {"fingerprint", PRIVACY_TOKEN, "256 SHA256:{*43} ~N@~H (ED25519)"},
    {"fingerprint", PRIVACY_MAC,
     "MD5:{x2}:{x2}:{x2}:{x2}:{x2}:{x2}:{x2}:{x2}:{x2}:{x2}:{x2}:{x2}:{x2}:{x2}:{x2}:{"
     "x2}"},
    {"public key", PRIVACY_PRIVATE_KEY,
     "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{*43} ~N@~H"},
    {"public key", PRIVACY_PRIVATE_KEY,
     "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A{*32}\n{*64}\n{*20}\n"
     "-----END PUBLIC KEY-----"},
    {"certificate", PRIVACY_PRIVATE_KEY,
     "-----BEGIN CERTIFICATE-----\nMIID{*60}\n{*64}\n{*64}\n-----END CERTIFICATE-----"},
    {"pod", PRIVACY_TOKEN, "~W-api-{x10}-{a5}   1/1   Running   0   3d"},
    {"address", PRIVACY_TOKEN, "0x7ffd{x8} in main () at ~W.c:{#3}"},
    {"backtrace", PRIVACY_TOKEN, "#3  0x0000{x12} in uv_run (loop=0x5555{x8})"},
    {"build", PRIVACY_TOKEN, "Build fingerprint {x40} finished in {#2}.{#1} s"},
    {"webpack", PRIVACY_TOKEN, "assets/~W.{x20}.js   {#3}.{#2} KiB"},
    {"css image", PRIVACY_TOKEN, "url(data:image/png;base64,iVBORw0KGgo{*60})"},
    {"nix", PRIVACY_TOKEN, "/nix/store/{x32}-~W-2.{#1}"},
    {"arn", PRIVACY_TOKEN, "arn:aws:iam::role/~W-reader"},
};

static const struct decoy words[] = {
    {"menu", PRIVACY_PASSWORD, "Forgot password?"},
    {"menu", PRIVACY_PASSWORD, "Change password\nSign out"},
    {"menu", PRIVACY_PASSWORD, "Password\nSign in\nCreate account"},
    {"menu", PRIVACY_PASSWORD, "Username\nPassword\nRemember me\nLog in"},
    {"rule", PRIVACY_PASSWORD, "Password must be at least {#1} characters"},
    {"rule", PRIVACY_PASSWORD, "Your password must contain 1 number and 1 symbol"},
    {"rule", PRIVACY_PASSWORD, "Password: must be 8 characters or more"},
    {"rule", PRIVACY_PASSWORD, "Das Passwort muss mindestens 12 Zeichen lang sein"},
    {"menu", PRIVACY_PASSWORD, "Passwort vergessen?"},
    {"menu", PRIVACY_PASSWORD, "Mot de passe oublié ?"},
    {"menu", PRIVACY_PASSWORD, "¿Olvidaste tu contraseña?"},
    {"menu", PRIVACY_PASSWORD, "Password strength: weak"},
    {"menu", PRIVACY_PASSWORD, "Confirm password"},
    {"message", PRIVACY_PASSWORD, "The password is incorrect. Try again."},
    {"message", PRIVACY_PASSWORD, "Password is required"},
    {"message", PRIVACY_PASSWORD, "Your password was changed on ~D"},
    {"message", PRIVACY_PASSWORD, "Enter your password to continue"},
    {"message", PRIVACY_PASSWORD, "[sudo] password for ~N:"},
    {"message", PRIVACY_PASSWORD, "Permission denied (publickey,password)."},
    {"masked", PRIVACY_PASSWORD, "Password: ********"},
    {"masked", PRIVACY_PASSWORD, "Password: ••••••••••"},
    {"masked", PRIVACY_PASSWORD, "PIN: ****"},
    {"masked", PRIVACY_PASSWORD, "password=<your password>"},
    {"masked", PRIVACY_PASSWORD, "DB_PASSWORD=${DB_PASSWORD}"},
    {"masked", PRIVACY_PASSWORD, "PASSWORD=changeme_here # set me"},
    {"code", PRIVACY_PASSWORD, "private String password;"},
    {"code", PRIVACY_PASSWORD, "password = request.form.get(\"password\")"},
    {"code", PRIVACY_PASSWORD, "if (password == null) {"},
    {"code", PRIVACY_PASSWORD, "const password = process.env.DB_PASSWORD;"},
    {"code", PRIVACY_PASSWORD, "password: string;"},
    {"code", PRIVACY_PASSWORD, "function checkPassword(user, password) {"},
    {"code", PRIVACY_PASSWORD, "password=None, token=None"},
    {"code", PRIVACY_PASSWORD, "<input type=\"password\" name=\"password\" required>"},
    {"code", PRIVACY_PASSWORD, "<label for=\"password\">Password</label>"},
    {"code", PRIVACY_PASSWORD, "user.setPassword(encoder.encode(password));"},
    {"code", PRIVACY_PASSWORD, "PASSWORD_MIN_LENGTH = {#2}"},
    {"code", PRIVACY_PASSWORD, "password VARCHAR(255) NOT NULL,"},
    {"code", PRIVACY_PASSWORD, "parser.add_argument('--password', help='the password')"},
    {"word", PRIVACY_PASSWORD, "1Password and Bitwarden are password managers"},
    {"word", PRIVACY_PASSWORD, "Pin this message"},
    {"word", PRIVACY_PASSWORD, "GPIO pin {#2} is an output"},
    {"word", PRIVACY_PASSWORD, "Pinned tabs ({#1})"},
    {"word", PRIVACY_PASSWORD, "error code {#4}"},
    {"word", PRIVACY_PASSWORD, "exit code: 1{#2}"},
    {"word", PRIVACY_PASSWORD, "HTTP status code 404 for /~W"},
    {"word", PRIVACY_PASSWORD, "ZIP code {#5}"},
    {"word", PRIVACY_PASSWORD, "Visual Studio Code 1.{#2}.{#1}"},
    {"word", PRIVACY_PASSWORD, "promo code SAVE{#2}"},
    {"word", PRIVACY_PASSWORD, "Scan the QR code with your phone"},
    {"word", PRIVACY_PASSWORD, "Enter the code we sent to your phone"},
    {"word", PRIVACY_TOKEN, "prompt tokens: {#4}, completion tokens: {#3}"},
    {"word", PRIVACY_TOKEN, "max_tokens={#4}"},
    {"word", PRIVACY_TOKEN, "Unexpected token '}' in JSON at position {#3}"},
    {"word", PRIVACY_TOKEN, "Secret Santa draw on ~D"},
    {"word", PRIVACY_TOKEN, "kubectl get secret ~W -o yaml"},
    {"word", PRIVACY_TOKEN, "API key required. Get an API key in the settings."},
    {"word", PRIVACY_TOKEN, "key: value"},
    {"word", PRIVACY_TOKEN, "primary key (id), foreign key (user_id)"},
    {"word", PRIVACY_TOKEN, "api_key = os.environ[\"SERVICE_API_KEY\"]"},
    {"word", PRIVACY_TOKEN, "Authorization: Bearer <token>"},
    {"word", PRIVACY_TOKEN, "Basic authentication is not supported"},
    {"word", PRIVACY_TOKEN, "The bearer of this letter is ~N ~L"},
    {"word", PRIVACY_API_KEY, "OPENAI_API_KEY=sk-..."},
    {"word", PRIVACY_API_KEY, "token: ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
    {"word", PRIVACY_API_KEY, "sk-learn and hf_transformer are names of ~W"},
    {"word", PRIVACY_API_KEY, "key-value-store-for-the-~W-service"},
    {"word", PRIVACY_API_KEY, "npm_config_registry and npm_package_version"},
    {"word", PRIVACY_SEED, "abandon hope all ye who enter the garden of the ~W"},
    {"word", PRIVACY_SEED, "apple orange banana with some other fruit and the usual tea"},
    {"word", PRIVACY_PRIVATE_KEY, "private static final int MAX = {#3};"},
    {"word", PRIVACY_PRIVATE_KEY, "Terminal"},
    {"word", PRIVACY_PRIVATE_KEY, "Never share your private key with anybody."},
    {"word", PRIVACY_PRIVATE_KEY, "BEGIN TRANSACTION; UPDATE ~W SET n = {#2}; END"},
    {"word", PRIVACY_JWT, "eyJustAName and eyJunior.filter"},
    {"word", PRIVACY_BIRTH, "Released {#1} May 20{#2}"},
    {"word", PRIVACY_BIRTH, "Born to run, track {#1}, 1975"},
    {"word", PRIVACY_BIRTH, "Due date: ~D"},
    {"word", PRIVACY_BIRTH, "Last modified ~D ~T"},
    {"word", PRIVACY_BIRTH, "Geburtstagsfeier am Samstag um ~T"},
};

static const struct decoy numbers[] = {
    {"order", PRIVACY_CARD, "Order number: {#12}"},
    {"order", PRIVACY_CARD, "Bestellnummer {#10}"},
    {"order", PRIVACY_CARD, "Order #1{#2}-{#7}-{#7}"},
    {"invoice", PRIVACY_CARD, "Invoice no. 20{#2}-{#6}"},
    {"tracking", PRIVACY_CARD, "Tracking number {#12}"},
    {"tracking", PRIVACY_CARD, "Sendungsnummer: 00{#18}"},
    {"tracking", PRIVACY_CARD, "UPS 1Z{*6}03{#8}"},
    {"tracking", PRIVACY_CARD, "Tracking ID 94{#20}"},
    {"time", PRIVACY_CARD, "1{#9}"},
    {"time", PRIVACY_CARD, "ts=17{#11}"},
    {"time", PRIVACY_CARD, "20{#2}0512{#6}"},
    {"time", PRIVACY_PHONE, "~DT~T:{#1}0.{#3}Z"},
    {"time", PRIVACY_PHONE, "~D ~T:00,{#3} INFO worker-{#1} ready"},
    {"isbn", PRIVACY_CARD, "ISBN 978-3-{#2}-{#6}-{#1}"},
    {"isbn", PRIVACY_CARD, "ISBN-13: 978{#10}"},
    {"isbn", PRIVACY_SSN, "ISBN 0-{#3}-{#5}-X"},
    {"ean", PRIVACY_CARD, "EAN 9{#12}"},
    {"ean", PRIVACY_CARD, "GTIN: 07{#11}"},
    {"price", PRIVACY_CARD, "Total: 1,{#3},{#3}.{#2} USD"},
    {"price", PRIVACY_PHONE, "EUR {#3}.{#3},{#2}"},
    {"price", PRIVACY_PHONE, "$ {#3}.{#2}  $ {#3}.{#2}  $ {#2}.{#2}"},
    {"part", PRIVACY_PHONE, "Part no. 415-555-{#4}"},
    {"part", PRIVACY_PHONE, "P/N 800-{#4}-{#2}"},
    {"part", PRIVACY_SSN, "SKU 4{#2}-{#2}-{#4}"},
    {"serial", PRIVACY_CARD, "S/N: {A2}{#10}"},
    {"serial", PRIVACY_PHONE, "Serial number 2{#2}-{#3}-{#4}"},
    {"version", PRIVACY_IP, "version {#1}.{#1}.{#1}.{#1}"},
    {"version", PRIVACY_IP, "v1.{#1}.{#1}.{#1}"},
    {"version", PRIVACY_IP, "Chrome/120.0.{#4}.1{#2} Safari/537.36"},
    {"version", PRIVACY_IP, "Microsoft Windows [Version 10.0.19045.{#4}]"},
    {"version", PRIVACY_IP, "libssl3 3.0.{#1}-1~~deb12u{#1}"},
    {"version", PRIVACY_IP, "driver 31.0.15.{#4}"},
    {"version", PRIVACY_IP, "Firmware 2.4.{#1}.{#2}"},
    {"section", PRIVACY_IP, "1.2.{#1}.{#1} The ~W"},
    {"section", PRIVACY_IP, "see section 4.{#1}.2.{#1}"},
    {"section", PRIVACY_IP, "Chapter 3.1.{#1}.{#1} Overview"},
    {"oid", PRIVACY_IP, "1.3.6.1.4.1.{#4}.2"},
    {"address", PRIVACY_IP, "listening on 127.0.0.1:{#4}"},
    {"address", PRIVACY_IP, "bind 0.0.0.0 port {#4}"},
    {"address", PRIVACY_IP, "http://[::1]:{#4}/"},
    {"scope", PRIVACY_IP, "std::vector<int>::iterator it = v.begin();"},
    {"scope", PRIVACY_IP, "use crate::abc::def::Fade;"},
    {"time", PRIVACY_MAC, "12:{#1}0:45 - 13:05:{#1}1"},
    {"time", PRIVACY_MAC, "00:00:{#1}0,{#3} --> 00:00:{#1}9,{#3}"},
    {"size", PRIVACY_PHONE, "1920 x 1080, {#3} KB, {#2} fps"},
    {"coordinates", PRIVACY_PHONE, "52.{#6}, 13.{#6}"},
    {"float", PRIVACY_CARD, "0.{#16}"},
    {"float", PRIVACY_CARD, "3.{#16} 4.{#16}"},
    {"table", PRIVACY_CARD, "{#2} {#3} {#2} {#1} {#3} {#2} {#2}"},
    {"table", PRIVACY_CARD, "2019 2020 2021 2022 2023"},
    {"table", PRIVACY_PHONE, "x: {#3} y: {#3} w: {#4} h: {#4}"},
    {"diff", PRIVACY_PHONE, "@@ -{#3},{#1} +{#3},{#1} @@"},
    {"diff", PRIVACY_PHONE, "{#2} files changed, +{#4} -{#3}"},
    {"colour", PRIVACY_TOKEN, "color: #{x6}; background: #{x6};"},
    {"bytes", PRIVACY_MAC, "{x2} {x2} {x2} {x2} {x2} {x2} {x2} {x2}"},
    {"hexdump", PRIVACY_MAC,
     "000000{x2}  {x2} {x2} {x2} {x2}  {x2} {x2} {x2} {x2}  |....|"},
    {"issue", PRIVACY_PHONE, "Ticket {A3}-{#5} closed by ~N"},
    {"year", PRIVACY_BIRTH, "Copyright 2019-2025 ~L"},
    {"range", PRIVACY_PHONE, "pages 1{#2}-1{#2}, lines {#4}-{#4}"},
    {"process", PRIVACY_PHONE, "~N  {#5}  0.{#1}  1.{#1} {#6} {#5} ?  Ssl  ~T  0:{#2}"},
    {"id", PRIVACY_SSN, "id {#9}"},
    {"id", PRIVACY_NATIONAL_ID, "Case {#8}"},
    {"id", PRIVACY_IBAN, "Model DE{#6} Rev {A1}"},
    {"post", PRIVACY_SSN, "ZIP+4 {#5}-{#4}"},
    {"progress", PRIVACY_CARD, "{#6}/{#6} [~T<~T, {#3}.{#2}it/s]"},
};

static const struct decoy texts[] = {
    {"path", PRIVACY_TOKEN, "/home/~N/Projects/~W/src/MainWindowController2Factory.java"},
    {"path", PRIVACY_TOKEN, "C:\\Program Files\\Common\\~W\\bin64\\Setup{#3}.exe"},
    {"path", PRIVACY_TOKEN, "./node_modules/@types/~W/dist/index.d.ts"},
    {"identifier", PRIVACY_TOKEN,
     "getUserByAccountNumberAndStatus(account, STATUS_{#1})"},
    {"identifier", PRIVACY_TOKEN, "AbstractSingletonProxyFactoryBean{#1}"},
    {"identifier", PRIVACY_TOKEN, "MAX_CONNECTIONS_PER_ROUTE_DEFAULT_{#2}"},
    {"mangled", PRIVACY_TOKEN, "_ZNSt6vectorIiSaIiEE9push_backERKi+0x{x2}"},
    {"log", PRIVACY_TOKEN, "[~T] INFO c.e.~W.Service - handled {#3} requests in {#2} ms"},
    {"log", PRIVACY_TOKEN, "Jan {#1} ~T:11 ~H systemd[1]: Started user@1000.service."},
    {"log", PRIVACY_TOKEN, "~D ~T level=info msg=\"cache hit\" key=~W n={#4}"},
    {"unit", PRIVACY_EMAIL, "getty@tty1.service loaded active running"},
    {"package", PRIVACY_EMAIL, "npm install lodash@4.17.{#2} @types/node@20.1.{#1}"},
    {"image", PRIVACY_EMAIL, "icon@2x.png  logo@3x.webp"},
    {"handle", PRIVACY_EMAIL, "thanks @~N and @~L !"},
    {"prompt", PRIVACY_EMAIL, "~N@~H:~~/~W$ ls"},
    {"remote", PRIVACY_EMAIL, "git clone git@github.com:~W/~W.git"},
    {"decorator", PRIVACY_EMAIL, "@app.route('/~W')"},
    {"kotlin", PRIVACY_EMAIL, "this@MainActivity.findViewById(R.id.text{#1})"},
    {"lorem", PRIVACY_SEED, "Lorem ipsum dolor sit amet, consectetur adipiscing elit."},
    {"prose", PRIVACY_SEED,
     "The meeting about the ~W was moved to ~T because of the rain."},
    {"prose", PRIVACY_SEED,
     "Der Bericht zum ~W ist fertig und liegt im gemeinsamen Ordner."},
    {"prose", PRIVACY_SEED,
     "Nous avons bien reçu votre demande du ~D et vous remercions."},
    {"prose", PRIVACY_SEED, "La reunión empieza a las ~T en la sala grande."},
    {"prose", PRIVACY_PASSWORD, "A good passphrase is long and known to nobody else."},
    {"prose", PRIVACY_PASSWORD, "She opened the letter with her name, ~N, on the front."},
    {"code", PRIVACY_TOKEN, "for (int i = 0; i < {#3}; i++) { sum += table[i]; }"},
    {"code", PRIVACY_TOKEN,
     "SELECT id, name FROM ~W WHERE created_at > '~D' LIMIT {#2};"},
    {"code", PRIVACY_TOKEN, "#define VERSION \"{#1}.{#2}.{#1}\""},
    {"code", PRIVACY_TOKEN, "border-radius: {#1}px; margin: 0 {#2}px; z-index: {#4};"},
    {"regex", PRIVACY_PHONE, "^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\\.[A-Za-z]{2,}$"},
    {"html", PRIVACY_TOKEN, "<div class=\"card-body mt-{#1}\" id=\"row{#2}\">~W</div>"},
    {"url", PRIVACY_TOKEN, "https://www.example.com/~W/{#4}/{#2}?page={#1}&sort=asc"},
    {"url", PRIVACY_TOKEN, "https://example.com/watch?v={*11}"},
    {"spreadsheet", PRIVACY_PHONE, "Q1\t{#4}\tQ2\t{#4}\tQ3\t{#4}"},
    {"shell", PRIVACY_TOKEN, "$ tar xzf ~W-{#1}.{#1}.tar.gz && cd ~W && make -j{#1}"},
    {"shell", PRIVACY_TOKEN, "-rw-r--r-- 1 ~N users {#5} Mar {#1} ~T ~W.txt"},
    {"chat", PRIVACY_PASSWORD, "~N: ok see you at ~T  \xf0\x9f\x91\x8d"},
    {"calendar", PRIVACY_PHONE,
     "Mo Tu We Th Fr Sa Su\n1 2 3 4 5 6 7\n8 9 10 11 12 13 14"},
    {"shortcut", PRIVACY_TOKEN, "Ctrl+Shift+P  Show all commands"},
    {"battery", PRIVACY_PHONE, "Battery {#2} %   ~T   Wi-Fi on"},
};

static void fill_braces(struct chance *r, const char *from, char *out, size_t size)
{
    static const struct {
        char mark;
        const char *set;
    } sets[] = {{'x', HEX}, {'#', DIGIT}, {'*', ALNUM}, {'A', UPPER}, {'a', LOWER}};
    size_t used = 0;
    while (*from) {
        const char *set = NULL;
        char *end = NULL;
        unsigned n = 0;
        for (unsigned i = 0; *from == '{' && i < COUNT(sets); i++) {
            if (from[1] == sets[i].mark) {
                n = (unsigned)strtoul(from + 2, &end, 10);
                set = *end == '}' && n ? sets[i].set : NULL;
            }
        }
        assert(used + n + 2 < size);
        if (set) {
            chance_chars(r, out + used, n, set);
            used += n;
            from = end + 1;
        } else {
            out[used++] = *from++;
        }
    }
    out[used] = 0;
    (void)size;
}

static unsigned luhn_sum(const char *s)
{
    unsigned sum = 0;
    size_t n = strlen(s);
    for (size_t i = 0; i < n; i++) {
        unsigned d = (unsigned)(s[n - 1 - i] - '0') << (i % 2);
        sum += d % 10 + d / 10;
    }
    return sum;
}

// Numbers that only a check tells apart from a secret.
static void make_near(struct corpus_item *item, struct chance *r, unsigned n)
{
    char s[32], grouped[40];
    switch (n % 5) {
    case 0:  // right check digit, no issuer
        item->kind = "luhn, no issuer";
        item->category = PRIVACY_CARD;
        chance_chars(r, s, 16, DIGIT);
        memcpy(s, PICK(r, ((const char *const[]){"00", "10", "88", "99"})), 2);
        s[15] = '0';
        s[15] = (char)('0' + (10 - luhn_sum(s) % 10) % 10);
        break;
    case 1:
        item->kind = "visa, wrong check";
        item->category = PRIVACY_CARD;
        chance_form(r, s, sizeof(s), "4###############");
        s[15] = luhn_sum(s) % 10 ? s[15] : (char)('0' + (s[15] - '0' + 1) % 10);
        break;
    case 2:
        item->kind = "ssn out of range";
        item->category = PRIVACY_SSN;
        chance_form(
            r, s, sizeof(s),
            PICK(r, ((const char *const[]){"000-##-####", "666-##-####", "9##-1#-####",
                                           "4##-00-####", "4##-##-0000"})));
        item_say(item, r, s);
        return;
    case 3:
        item->kind = "iban, wrong check";
        item->category = PRIVACY_IBAN;
        chance_form(r, s, sizeof(s), "DE00 #### #### #### #### ##");
        item_say(item, r, s);
        return;
    default:
        item->kind = "base32 words";
        item->category = PRIVACY_API_KEY;
        item_say(item, r, "AKIA is what the keys begin with, ASIAPACIFIC a region");
        return;
    }
    item_group(grouped, sizeof(grouped), s, chance_is(r, 2) ? "4444" : "97", " ");
    item_say(item, r, grouped);
}

void corpus_lookalike(struct corpus_item *item, struct chance *r, unsigned n)
{
    static const struct {
        const struct decoy *rows;
        unsigned n;
    } tables[] = {{hashes, COUNT(hashes)},
                  {words, COUNT(words)},
                  {numbers, COUNT(numbers)},
                  {texts, COUNT(texts)}};
    unsigned table = n % (COUNT(tables) + 1);
    unsigned row = n / (COUNT(tables) + 1);
    if (table == COUNT(tables)) {
        make_near(item, r, row);
        return;
    }
    const struct decoy *d = &tables[table].rows[row % tables[table].n];
    char text[768];
    item->kind = d->kind;
    item->category = d->category;
    fill_braces(r, d->text, text, sizeof(text));
    item_say(item, r, text);
}
