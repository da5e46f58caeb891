// find_phrases.c -- the words and phrases that are labels, one row per kind.
//
// Small letters, single blanks, phrases separated by bars.  The same words may begin several
// phrases; the longest that fits the text is taken.  Last stands what text recognition with
// English data makes of a row's words (contrasefia, hasto).
// SPDX-License-Identifier: MIT
#include "privacy/find_label.h"

const struct find_phrases find_phrases[] = {
    {LABEL_PASSWORD,
     "password|passwd|pwd|pass|passw|pass word|passphrase|pass phrase|psk|pw|"
     "pgpassword|wpa passphrase|network security key|wifi key|encryption passphrase|"
     "passwort|kennwort|mot de passe|mdp|contraseña|contrasena|clave de acceso|"
     "senha|palavra passe|hasło|haslo|wachtwoord|lösenord|losenord|adgangskode|"
     "passord|salasana|heslo|jelszó|parola|parolă|parola d accesso|şifre|sifre|"
     "lozinka|geslo|κωδικός πρόσβασης|slaptažodis|parool|mật khẩu|kata sandi|пароль|"
     "парола|סיסמה|كلمة المرور|كلمة السر|密码|密碼|パスワード|비밀번호|รหัสผ่าน|पासवर्ड|"
     "wachtwoordzin|gslpassword|mysql pwd|sshpassword|"
     "contrasefia|contrasefa|contrasenha|hasto|hasio|lésenord|ifre"},
    {LABEL_PIN,
     "pin|pin code|pincode|code pin|pin number|geheimzahl|nip|puk|puk code|cvv|cvv2|"
     "cvc|cvc2|csc|card verification code|prüfziffer|kartenprüfnummer|cryptogramme|"
     "пин|пин код|código pin|codice pin|kod pin|暗証番号|pinkod|pinkode|tunnusluku"},
    {LABEL_CODE,
     "your code|verification code|security code|login code|log in code|sign in code|"
     "access code|auth code|authentication code|authenticator code|one time code|"
     "onetime code|one time passcode|one time pin|otp|otp code|totp|"
     "mfa code|fa code|two factor code|confirmation code|activation code|"
     "recovery code|backup code|recovery codes|backup codes|the code|sms code|tan|"
     "mtan|smstan|pairing code|unlock code|reset code|one time password|"
     "temporary code|bestätigungscode|bestatigungscode|twoj kod|engangskod|"
     "sicherheitscode|zugangscode|"
     "verifizierungscode|freischaltcode|einmalcode|anmeldecode|ihr code|dein code|"
     "code de vérification|code de verification|code de sécurité|"
     "code de confirmation|code d accès|votre code|ton code|código de verificación|"
     "codigo de verificacion|código de seguridad|tu código|su código|"
     "código de acceso|codice di verifica|codice di sicurezza|il tuo codice|"
     "código de verificação|seu código|código de segurança|verificatiecode|"
     "beveiligingscode|kod weryfikacyjny|kod sms|twój kod|verifieringskod|"
     "bekreftelseskode|bekræftelseskode|engangskode|engångskod|vahvistuskoodi|"
     "doğrulama kodu|ověřovací kód|код подтверждения|код для входа|ваш код|验证码|驗證碼|"
     "認証コード|確認コード|인증번호|인증 번호|인증코드|passcode|einmalpasswort|"
     "codigo de verificación|codigo de verificacién|código de verificacién|"
     "código de verificaci6n|codigo de verificaci6n|código de verificaci6én|"
     "codigo de verificaci6én"},
    {LABEL_PLAIN_CODE, "code|kod|kode|código|codigo|codice|koodi|код"},
    {LABEL_IS_YOUR,
     "is your|is the code|ist ihr|ist dein|ist der|est votre|est ton|es tu|es su|"
     "é o seu|è il tuo|is je|is uw"},
    {LABEL_USE, "use|enter|using"},
    {LABEL_COMMAND,
     "mysql|mysqldump|mysqladmin|mariadb|sshpass|curl|wget|docker login|redis cli|"
     "smbclient|mongosh|mongo|ldapsearch"},
    {LABEL_SECRET,
     "api key|apikey|api secret|api token|secret|secret key|secretkey|secret token|"
     "client secret|app secret|app key|access token|accesstoken|refresh token|"
     "auth token|authtoken|bearer token|consumer key|consumer secret|shared secret|"
     "webhook secret|signing key|signing secret|session secret|encryption key|"
     "master key|access key|auth key|private key|privatekey|personal access token|"
     "deploy token|credential|credentials|api schlüssel|geheimer schlüssel|"
     "api schlussel|api schlissel|api schliissel|geheimer schlussel|geheimschlussel|cle "
     "api|cle d api|cle secrete|"
     "geheimschlüssel|clé api|clé d api|clé secrète|clave api|clave de api|"
     "clave secreta|chave de api|chave secreta|chiave api|klucz api|api sleutel|"
     "ключ api|секретный ключ|密钥|access key secret|id token|jwt secret|"
     "cookie secret|hmac key|preshared key|api schliissel"},
    {LABEL_KEY,
     "token|key|session|sessionid|session id|session key|sid|phpsessid|jsessionid|"
     "csrf token|xsrf token|csrftoken|auth|authorization|schlüssel|sig|signature|"
     "clé|cle|clave|ключ|токен|jeton|cookie|schliissel|schlissel|schlussel"},
    {LABEL_AWS, "aws secret access key|aws secret key|aws secret|secretaccesskey|"
                "secret access key"},
    {LABEL_ACCOUNT_KEY,
     "account key|accountkey|shared access key|sharedaccesskey|storage account key"},
    {LABEL_BEARER, "bearer|authorization token"},
    {LABEL_BASIC, "basic"},
    {LABEL_BEGIN, "begin"},
    {LABEL_END, "end"},
    {LABEL_PUTTY, "pu tty user key file"},
    {LABEL_CARD,
     "card|cards|cardnumber|card number|credit|debit|visa|mastercard|master card|"
     "maestro|amex|american express|diners|diners club|discover|jcb|unionpay|"
     "kreditkarte|kreditkartennummer|kartennummer|karte|carte|carta|tarjeta|karty|"
     "karta|cartão|cartao|cartdo|cartéo|kaart|kaartnummer|kort|kortnummer|kortti|карты|"
     "карта|kart|"
     "卡号|カード|카드|ccnum|cc number"},
    {LABEL_SSN, "ssn|social security|social security number|social security no|soc sec|"
                "soc sec no|ss number|taxpayer id|tin|socialsecurity"},
    {LABEL_ID,
     "national insurance|national insurance number|nino|ni number|nhs|nhs number|"
     "steuer id|steueridentifikationsnummer|steuerliche identifikationsnummer|"
     "steuernummer|idnr|id nr|identifikationsnummer|sozialversicherungsnummer|"
     "rentenversicherungsnummer|svnr|sv nummer|sécurité sociale|securite sociale|"
     "numéro de sécurité sociale|nir|sécu|dni|nif|nie|documento de identidad|"
     "número de identidad|número de identidad de extranjero|codice fiscale|cf|c f|"
     "bsn|burgerservicenummer|sofinummer|rijksregisternummer|registre national|"
     "numéro national|insz|niss|pesel|personnummer|pers nr|persnr|samordningsnummer|"
     "fødselsnummer|fodselsnummer|fnr|cpr|cpr nummer|cpr nr|henkilötunnus|"
     "henkilotunnus|hetu|ahv|ahv nummer|ahv nr|avs|no avs|cpf|aadhaar|aadhar|uidai|"
     "uid|sin|social insurance number|social insurance|nas|"
     "numéro d assurance sociale|rodné číslo|rodne cislo|rč|kimlik|t c kimlik|"
     "tc kimlik|kimlik no|contribuinte|número de contribuinte|national id|"
     "national identity|identity number|identification number|id number|id card|"
     "id no|personal id|personal number|tax id|tax number|tax file number|tfn|"
     "medicare|pps|ppsn|oib|emšo|emso|jmbg|egn|егн|cnp|isikukood|asmens kodas|"
     "personas kods|afm|αφμ|amka|αμκα|curp|rut|cuit|cuil|nric|hkid|pan|pan card|"
     "snils|снилс|инн|teudat zehut|תעודת "
     "זהות|身份证|身份證|身份证号|マイナンバー|個人番号|주민등록번호|taj|"
     "adószám|itin|my number"},
    {LABEL_DOCUMENT,
     "passport|passport no|passport number|reisepass|reisepassnummer|passnummer|"
     "personalausweis|personalausweisnummer|ausweisnummer|ausweis nr|passeport|"
     "pasaporte|passaporto|passaporte|paspoort|paszport|dowód osobisty|"
     "carta d identità|carte d identité|driver license|driver s license|"
     "drivers license|driving licence|führerschein|führerscheinnummer|"
     "permis de conduire|паспорт|护照|旅券番号|identity card"},
    {LABEL_PHONE,
     "phone|phone number|telephone|tel|mobile|mobil|cell|cellphone|fax|telefax|"
     "whatsapp|whats app|call|call me|call me at|hotline|telefon|telefonnummer|handy|"
     "handynummer|rufnummer|mobilnummer|téléphone|tél|portable|teléfono|móvil|"
     "celular|telefono|cellulare|telefone|telemóvel|telefoon|telefoonnummer|tlf|"
     "puhelin|mobiltelefon|numer "
     "telefonu|телефон|тел|电话|電話|手机|携帯|전화|휴대폰|sms"},
    {LABEL_BIRTH,
     "date of birth|birth date|birthdate|birthday|birth day|dob|d o b|born|born on|"
     "bday|geburtsdatum|geburtstag|geboren am|geboren|geb|geb am|date de naissance|"
     "né le|née le|né e le|ne le|nee le|fecha de nacimiento|nacido el|nacida el|"
     "nacido|data di nascita|nato il|nata il|geboortedatum|data urodzenia|ur|"
     "data de nascimento|nascido em|födelsedatum|fodelsedatum|född|fødselsdato|"
     "fodselsdato|født|syntymäaika|syntymaaika|datum narození|születési idő|"
     "doğum tarihi|dogum tarihi|data nașterii|ημερομηνία γέννησης|дата рождения|"
     "дата народження|родился|родилась|出生日期|生年月日|生日|생년월일|ngày sinh"},
    {LABEL_IP,
     "ip|ipv4|ipv6|inet|addr|address|host|server|ping|gateway|nameserver|dns|client|"
     "subnet|connect|ssh"},
    {LABEL_VERSION,
     "version|versions|ver|v|release|section|chapter|firmware|driver|build|rev|"
     "revision|update|upgrade|kernel|kapitel|abschnitt|chapitre|sección|oid|package|"
     "appendix|figure|table|step|clause"},
    {LABEL_NUMBER,
     "order|order number|order no|bestellnummer|bestellung|auftragsnummer|commande|"
     "pedido|ordine|invoice|rechnung|rechnungsnummer|facture|factura|fattura|"
     "tracking|tracking number|tracking id|sendungsnummer|shipment|parcel|part|"
     "part no|part number|p n|sku|serial|serial number|s n|seriennummer|model|"
     "modell|isbn|issn|ean|gtin|upc|imei|ticket|case|issue|item|artikel|"
     "artikelnummer|reference|ref|referenz|timestamp|ts|commit|ups|fedex|dhl|usps|"
     "doi|pmid|zip|transaction|batch|lot"},
    {LABEL_PUBLIC,
     "sha256|sha512|sha384|sha1|sha|md5|fingerprint|integrity|base64|checksum|"
     "digest|hash|ssh rsa|ed25519|etag|public key|publickey|public lines|nonce"},
};

const int find_phrases_count = sizeof(find_phrases) / sizeof(find_phrases[0]);
