// corpus_people.c -- e-mail addresses, telephone numbers, dates of birth, network addresses.
// SPDX-License-Identifier: MIT
#include "corpus_kit.h"

#include <stdio.h>
#include <string.h>

void corpus_email(struct corpus_item *item, struct chance *r, unsigned n)
{
    static const char *const locals[] = {"anna.keller",       "m.novak", "chloe_dubois",
                                         "j-larsen",          "info",    "o'brien",
                                         "priya+news",        "luca99",  "x",
                                         "first.middle.last", "billing", "ZOE.W"};
    static const char *const domains[] = {
        "example.com", "mail.example.org",    "example.co.uk", "uni-example.de",
        "example.fr",  "post.example.museum", "example.io",    "a-b.example.net",
        "EXAMPLE.COM", "example.pl"};
    static const char *const contexts[] = {
        "Contact: ~S",
        "From: ~N ~L <~S>\nTo: the team",
        "~S",
        "mailto:~S",
        "E-Mail\n~S",
        "Write to ~S, or call.",
        "{\"user\":\"~S\",\"active\":true}",
        "git config user.email ~S",
        "Author: ~N ~L <~S>",
        "Schreib mir an ~S!",
        "Adresse électronique : ~S",
        "correo: ~S",
        "[~T] ~N: it's ~S now",
        "Logged in as ~S",
        "~N;~L;~S;1;0",
        "'~S',",
    };
    (void)n;
    item->kind = "email";
    snprintf(item->secret, sizeof(item->secret), "%s@%s", PICK(r, locals),
             PICK(r, domains));
    item_say(item, r, PICK(r, contexts));
}

void corpus_phone(struct corpus_item *item, struct chance *r, unsigned n)
{
    static const struct {
        const char *form;
        bool needs_label;
    } forms[] = {
        {"+1 (2##) 555-01##", false},    {"+1 415-555-01##", false},
        {"(415) 555-01##", false},       {"212-555-01##", false},
        {"312.555.01##", false},         {"+44 20 7946 0###", false},
        {"+44 7700 900###", false},      {"+49 30 23125 ###", false},
        {"+49 (0)30 231 25 1##", false}, {"+33 1 99 00 ## ##", false},
        {"+33 6 39 98 ## ##", false},    {"+34 91# ### ###", false},
        {"+39 06 ### ####", false},      {"+48 22 ### ## ##", false},
        {"+46 8 ### ### ##", false},     {"+31 6 ########", false},
        {"+41 44 ### ## ##", false},     {"+81 3-####-####", false},
        {"+86 138 #### ####", false},    {"+91 98### #####", false},
        {"+55 11 9####-####", false},    {"+61 4## ### ###", false},
        {"+4915112345###", false},       {"+1415555####", false},
        {"0049 30 231 25 1##", false},   {"030 231 25 1##", true},
        {"0151 2345 67##", true},        {"01 99 00 ## ##", true},
        {"020 7946 0###", true},         {"91# ### ###", true},
        {"06-########", true},           {"415 555 01##", true},
        {"0171/23456##", true},          {"+7 (495) ###-##-##", false},
        {"+380 44 ### ## ##", false},
    };
    static const char *const labelled[] = {
        "Phone: ~S",
        "Tel. ~S",
        "Telefon: ~S",
        "Mobile ~S",
        "Téléphone : ~S",
        "Teléfono: ~S",
        "Handy: ~S",
        "Cell: ~S",
        "Fax: ~S",
        "Tel:\n~S",
        "Telefono: ~S",
        "phone number is ~S",
        "call me at ~S please",
        "Rufnummer ~S",
        "\"phone\": \"~S\"",
        "Телефон: ~S",
        "WhatsApp: ~S",
        "Call ~S for help",
    };
    static const char *const bare[] = {
        "~S",
        "~N ~L  ~S",
        "~N (~S)",
        "[~T] ~N: ~S",
        "'~S',",
        "ring ~S after six",
        "tel:~S",
        "<a href=\"tel:~S\">",
        "Mit freundlichen Grüßen\n~N ~L\n~S",
    };
    unsigned row = n % COUNT(forms);
    item->kind = forms[row].form;
    chance_form(r, item->secret, sizeof(item->secret), forms[row].form);
    item_say(item, r,
             forms[row].needs_label || chance_is(r, 2) ? PICK(r, labelled)
                                                       : PICK(r, bare));
}

void corpus_birth(struct corpus_item *item, struct chance *r, unsigned n)
{
    static const char *const contexts[] = {
        "Date of birth: ~S",
        "DOB: ~S",
        "D.O.B. ~S",
        "Born on ~S",
        "Birth date\n~S",
        "birthdate=~S",
        "\"date_of_birth\": \"~S\"",
        "Geburtsdatum: ~S",
        "geboren am ~S",
        "geb. ~S",
        "Date de naissance : ~S",
        "née le ~S",
        "né le ~S",
        "Fecha de nacimiento: ~S",
        "Data di nascita: ~S",
        "nato il ~S",
        "Geboortedatum: ~S",
        "Data urodzenia: ~S",
        "Data de nascimento: ~S",
        "Födelsedatum: ~S",
        "Fødselsdato: ~S",
        "Дата рождения: ~S",
        "Patient ~L, ~N   DOB ~S   ward ~n",
        "Birthday: ~S",
        "date_of_birth: '~S'",
        "Syntymäaika: ~S",
        "Nacido el ~S",
        "出生日期：~S",
        "生年月日: ~S",
        "Doğum tarihi: ~S",
    };
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    unsigned d = chance_in(r, 1, 28), m = chance_in(r, 1, 12),
             y = chance_in(r, 1930, 2012);
    char *s = item->secret;
    size_t size = sizeof(item->secret);
    switch (n % 9) {
    case 0: snprintf(s, size, "%02u.%02u.%u", d, m, y); break;
    case 1: snprintf(s, size, "%02u/%02u/%u", m, d, y); break;
    case 2: snprintf(s, size, "%u-%02u-%02u", y, m, d); break;
    case 3: snprintf(s, size, "%u %s %u", d, months[m - 1], y); break;
    case 4: snprintf(s, size, "%s %u, %u", months[m - 1], d, y); break;
    case 5: snprintf(s, size, "%u/%u/%02u", d, m, y % 100); break;
    case 6: snprintf(s, size, "%02u-%02u-%u", d, m, y); break;
    case 7: snprintf(s, size, "%u %.3s %u", d, months[m - 1], y); break;
    default: snprintf(s, size, "%u.%u.%u", d, m, y); break;
    }
    item->kind = "birth";
    item_say(item, r, contexts[n % COUNT(contexts)]);
}

static void make_ipv6(struct chance *r, char *s, size_t size)
{
    // No 'a' or 'A' but those that are meant to become any letter.
    static const char *const forms[] = {
        "2001:db8:xxxx:xxxx:xxxx:xxxx:xxxx:xxxx",
        "2001:db8::xxxx",
        "fe80::xxxx:xxff:fexx:xxxx",
        "fd12:3456:xxxx::1",
        "2001:0db8:0000:0000:0000:ff00:0042:xxxx",
        "2001:db8:xx:xx::xx",
        "2001:DB8::8:800:200C:417B",
        "fe80::1",
    };
    chance_form(r, s, size, PICK(r, forms));
}

void corpus_ip(struct corpus_item *item, struct chance *r, unsigned n)
{
    static const char *const contexts[] = {
        "~S",
        "IP address: ~S",
        "ping ~S",
        "ssh admin@~S",
        "Server: ~S",
        "inet ~S",
        "connect to ~S failed: timeout",
        "from ~S port 51234 ssh2",
        "host = \"~S\"",
        "[~D ~T] client ~S requested /index",
        "IPv4-Adresse  . . . . : ~S",
        "nameserver ~S",
        "Allow from ~S",
        "~S - - [~T] \"GET / HTTP/1.1\" 200",
        "remote_addr=~S",
    };
    static const char *const v4[] = {
        "http://~S:8080/",           "~S:443", "inet ~S/24 brd", "dig @~S",
        "tcp 0 0 ~S:22 ESTABLISHED",
    };
    char *s = item->secret;
    if (n % 3 == 2) {
        item->kind = "ipv6";
        make_ipv6(r, s, sizeof(item->secret));
        item_say(item, r, PICK(r, contexts));
        return;
    }
    static const char *const nets[] = {"192.168.%u.%u",    "10.%u.12.%u",
                                       "203.0.113.%.0u%u", "198.51.100.%.0u%u",
                                       "172.16.%u.%u",     "85.214.%u.%u"};
    unsigned net = chance_below(r, COUNT(nets));
    item->kind = "ipv4";
    snprintf(s, 20, nets[net], net == 2 || net == 3 ? 0 : chance_in(r, 0, 255),
             chance_in(r, 1, 254));
    item_say(item, r, chance_is(r, 3) ? PICK(r, v4) : PICK(r, contexts));
}

void corpus_mac(struct corpus_item *item, struct chance *r, unsigned n)
{
    static const char *const contexts[] = {
        "~S",
        "MAC: ~S",
        "link/ether ~S brd ff:ff:ff:ff:ff:ff",
        "ether ~S txqueuelen 1000",
        "Physical Address. . . : ~S",
        "Wi-Fi address\n~S",
        "device ~S paired",
        "HWaddr ~S",
        "\"mac\": \"~S\"",
        "dhcp: lease for ~S (~N)",
        "Hardware-Adresse ~S",
        "hci0 connected ~S",
        "~H   ~S   online",
    };
    item->kind = "mac";
    chance_form(r, item->secret, sizeof(item->secret),
                n % 4 == 1 ? "xx-xx-xx-xx-xx-xx" : "xx:xx:xx:xx:xx:xx");
    if (n % 4 == 3) {  // as switches print it
        char end[8];
        chance_form(r, end, sizeof(end), "xx.xxxx");
        chance_chars(r, item->secret, 4, HEX);
        snprintf(item->secret + 4, 12, ".0b%s", end);
    }
    if (n % 8 >= 4) {
        for (char *c = item->secret; *c; c++) {
            *c = *c >= 'a' && *c <= 'f' ? (char)(*c - 'a' + 'A') : *c;
        }
    }
    item_say(item, r, PICK(r, contexts));
}
