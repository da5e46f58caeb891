// corpus_password.c -- passwords, PINs and one-time codes beside their labels.
// SPDX-License-Identifier: MIT
#include "corpus_kit.h"

#include <stdio.h>
#include <string.h>

static void make_password(struct chance *r, char *s, size_t size)
{
    static const char *const words[] = {"Summer", "tiger",  "Dragon", "coffee", "Winter",
                                        "monkey", "Berlin", "purple", "Sonne",  "hunter"};
    switch (chance_below(r, 6)) {
    case 0: chance_chars(r, s, chance_in(r, 8, 16), ALNUM "!#%*+?"); break;
    case 1: snprintf(s, size, "%s%u!", PICK(r, words), chance_in(r, 10, 2025)); break;
    case 2: chance_form(r, s, size, "Aaaaaa-####-aaa"); break;
    case 3:
        snprintf(s, size, "%s_%s%u", PICK(r, words), PICK(r, words), chance_below(r, 99));
        break;
    case 4: snprintf(s, size, "%s%u", PICK(r, words), chance_in(r, 10, 9999)); break;
    default: chance_form(r, s, size, "a#A*a$*#Aa"); break;
    }
}

static const char *const password_contexts[] = {
    "Password: ~S",
    "password = \"~S\"",
    "Username: ~N\nPassword: ~S",
    "Passwort: ~S",
    "Kennwort: ~S",
    "Mot de passe : ~S",
    "Contraseña: ~S",
    "Senha: ~S",
    "Hasło: ~S",
    "Wachtwoord: ~S",
    "Lösenord: ~S",
    "Пароль: ~S",
    "密码：~S",
    "パスワード: ~S",
    "Password\n~S",
    "Passwort\n~S",
    "DB_PASSWORD=~S",
    "export MYSQL_ROOT_PASSWORD='~S'",
    "  password: ~S",
    "{\"user\": \"~L\", \"password\": \"~S\"}",
    "pwd=~S",
    "Server=~H;Database=app;User Id=sa;Password=~S;",
    "the wifi password is ~S",
    "Your temporary password is ~S",
    "WLAN-Passwort: ~S",
    "spring.datasource.password=~S",
    "mysql --user=root --password=~S",
    "Parola: ~S",
    "Adgangskode: ~S",
    "Salasana: ~S",
    "Heslo: ~S",
    "Passphrase: ~S",
    "New password: ~S",
    "passwd: ~S",
    "login: ~N  pass: ~S",
    "Das Passwort lautet ~S",
    "ton mot de passe est ~S",
    "<password>~S</password>",
    "- name: admin\n  pass: \"~S\"",
    "Şifre: ~S",
    "Admin password => ~S",
    "const dbPassword = '~S';",
    "\"smtpPassword\" : \"~S\",",
    "비밀번호: ~S",
    "Password: ~S\nRemember me",
};

static const char *const pin_contexts[] = {
    "PIN: ~S",         "PIN ~S",
    "Card PIN is ~S",  "PIN-Code: ~S",
    "Geheimzahl: ~S",  "Code PIN : ~S",
    "PIN code\n~S",    "pin=~S",
    "Your PIN is ~S",  "Ihre PIN lautet ~S",
    "\"pin\": \"~S\"", "NIP: ~S",
    "SIM PIN ~S",      "ПИН-код: ~S",
};

static const char *const code_contexts[] = {
    "Your code is ~S",
    "~S is your verification code",
    "Your verification code is: ~S. Don't share it.",
    "Verification code\n~S",
    "Ihr Bestätigungscode lautet ~S",
    "Votre code de vérification est ~S",
    "Tu código de verificación es ~S",
    "One-time code: ~S",
    "OTP: ~S",
    "Use ~S to sign in to your account",
    "Security code: ~S",
    "TAN: ~S",
    "2FA code ~S",
    "Il tuo codice di verifica è ~S",
    "Your login code: ~S",
    "Код подтверждения: ~S",
    "验证码：~S",
    "passcode ~S",
    "Enter the code ~S to continue",
    "Authentication code ~S expires at ~T",
    "Einmalpasswort: ~S",
};

static void make_url(struct corpus_item *item, struct chance *r)
{
    static const char *const contexts[] = {
        "DATABASE_URL=postgres://app:~S@~H.example.com:5432/main",
        "https://deploy:~S@git.example.com/x.git",
        "mongodb+srv://root:~S@cluster0.example.net/test",
        "redis://:~S@~H:6379/0",
        "ftp://~N:~S@files.example.org/",
        "amqp://guest:~S@10.1.2.3:5672/",
        "curl -u admin:~S https://~H/api",
        "sshpass -p '~S' ssh root@~H",
        "mysql -u root -p~S shop",
        "machine example.com login me password ~S",
    };
    item->kind = "url or command";
    chance_form(r, item->secret, sizeof(item->secret),
                chance_is(r, 2) ? "a#A*a!*#Aa" : "Aaa**##**aa");
    item_say(item, r, PICK(r, contexts));
}

void corpus_password(struct corpus_item *item, struct chance *r, unsigned n)
{
    switch (n % 8) {
    case 5:
        item->kind = "pin";
        chance_chars(r, item->secret, chance_is(r, 3) ? 6 : 4, DIGIT);
        item_say(item, r, PICK(r, pin_contexts));
        break;
    case 6:
        item->kind = "one-time code";
        if (chance_is(r, 4)) {
            chance_form(r, item->secret, sizeof(item->secret), "### ###");
        } else {
            chance_chars(r, item->secret, chance_is(r, 3) ? 8 : 6, DIGIT);
        }
        item_say(item, r, PICK(r, code_contexts));
        break;
    case 7: make_url(item, r); break;
    default:
        item->kind = "password";
        make_password(r, item->secret, sizeof(item->secret));
        item_say(item, r, password_contexts[(n * 5 + n / 8) % COUNT(password_contexts)]);
        break;
    }
}
