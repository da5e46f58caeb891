// rules_builtin.c -- deny rules that are there from the start (privacy.defaults).
//
// A title is written by whoever made the page, so that a word in it says little: "Incognito
// mode explained - Docs" is an article.  What browsers and dialogs write stands in certain
// places, and only there it counts: behind the program's name, in brackets at the end, as
// the whole title.  Blanks stand for the special ones that programs use (rules_text.c).
// Source: the titles in Firefox's browser.ftl and Chromium's generated_resources (window
// title formats of private and incognito windows) of each language; the rest as the
// programs show them.
// SPDX-License-Identifier: MIT
#include "privacy/rules_builtin.h"

// Between the parts of a title.
#define SEP "(?: [-\u2010-\u2015|\u00b7] +|[|:] +)"
#define END " *\\z"

#define BROWSER                                                                          \
    "(?:mozilla firefox|firefox(?: (?:nightly|beta|developer edition))?|nightly|"        \
    "waterfox|librewolf|floorp|zen browser|google chrome(?: (?:beta|dev|canary))?|"      \
    "chromium|microsoft edge(?: (?:beta|dev|canary))?|brave|opera|vivaldi|safari|"       \
    "yandex browser)"

// ---- password managers

// Found in names of programs, windows' classes and bundles: org.keepassxc.KeePassXC.
#define MANAGER_APPS                                                                     \
    "keepass|1password|bitwarden|vaultwarden|\\blastpass|dashlane|nordpass|\\benpass|"   \
    "roboform|proton[ -]?pass|me\\.proton\\.pass|buttercup|passbolt|password ?safe|"     \
    "\\bpwsafe\\b|password ?gorilla|qtpass|\\bpass for\\b|macpass|strongbox|"            \
    "keychain ?access|com\\.apple\\.passwords|seahorse|passwords and keys|kwallet|"      \
    "gnome-?keyring|world\\.secrets|ksecretd|\\bauthy\\b|authenticator|ente ?auth|"      \
    "\\Akeeper(?: (?:password|desktop).*)?\\z|keeperpasswordmanager|"                    \
    "\\Apasswords(?:\\.app)?\\z|password ?manager"

#define MANAGER_NAMES                                                                    \
    "(?:keepass(?:xc|x|2|dx)?|keeweb|1password(?: \\d+)?|bitwarden|lastpass|dashlane|"   \
    "nordpass|enpass|roboform|proton pass|buttercup|password safe|qtpass|macpass|"       \
    "keychain access|passwords and keys|kwalletmanager|kde wallet manager|"              \
    "keeper(?: password manager)?)"

// A window of the program (its name stands last, or first before what is open), the vault
// on the web, the browser's own list.
#define MANAGER_WINDOWS                                                                  \
    "\\A" MANAGER_NAMES "(?:" SEP                                                        \
    "(?:lock screen|locked|unlock|vault|mini|quick access|.*\\.kdbx).*)?" END            \
    "|" SEP MANAGER_NAMES END "|\\.kdbx\\b.* - keepass"                                  \
    "|\\b(?:bitwarden|vaultwarden) web vault\\b|\\blastpass (?:password )?vault\\b"      \
    "|\\A(?:google password manager|password manager|(?:saved )?passwords|"              \
    "(?:saved )?logins|passwörter|mots de passe|contraseñas|password salvate|"         \
    "senhas|wachtwoorden|hasła|パスワード|密码|密碼)(?:" SEP                             \
    "(?:settings|einstellungen|paramètres|configuración|impostazioni|"                 \
    "configurações|instellingen|ustawienia|設定|设置|設定))?" SEP BROWSER END

#define HOST "\\A(?:[a-z][a-z0-9+.-]*://)?(?:[^/?#]*[.@])?"

#define MANAGER_URLS                                                                     \
    HOST "(?:passwords\\.google\\.com|1password\\.(?:com|eu|ca)|lastpass\\.com/vault|"   \
         "vault\\.bitwarden\\.(?:com|eu)|app\\.dashlane\\.com|app\\.nordpass\\.com|"     \
         "pass\\.proton\\.me|keepersecurity\\.(?:com|eu)/"                               \
         "vault|passbolt\\.|vaultwarden\\.)"                                             \
         "|\\A(?:about:logins|chrome://password-manager|chrome://settings/passwords|"    \
         "edge://(?:wallet|settings)/passwords|brave://password-manager)"

// ---- windows that keep no history

// What no page would be called.
#define PRIVATE_PHRASES                                                                                                                          \
    "private browsing|privater modus|privates surfen|privates fenster|"                                                                          \
    "navigation privée|navegación privada|navegació privada|"                                                                                 \
    "navegação (?:privativa|privada|anônima|anónima)|modo anônimo|"                                                                         \
    "navigazione (?:anonima|privata|in incognito)|privénavigatie|"                                                                              \
    "privé navigeren|privévenster|tryb (?:prywatny|incognito)|"                                                                                \
    "przeglądanie prywatne|prywatne przeglądanie|okno prywatne|"                                                                               \
    "anonymní (?:prohlížení|režim)|súkromné prehliadanie|"                                                                                \
    "privat (?:browsing|surfning|nettlesing)|privát böngészés|"                                                                              \
    "yksityinen selaus|gizli (?:gezinti|mod)|navigare privată|"                                                                                 \
    "приватный просмотр|приватний перегляд|анонімний перегляд|режим инкогнито|" \
    "поверително разглеждане|ιδιωτική περιήγηση|ανώνυμη περιήγηση|"                       \
    "プライベート ?ブラウジング|プライベート ?ブラウズ|シークレット ?モード|"                                     \
    "隐私浏览(?:模式)?|隐身(?:模式|窗口)|无痕(?:模式|浏览|窗口)|"                                                            \
    "隱私(?:瀏覽|視窗)(?:模式)?|無痕(?:模式|視窗|瀏覽)|사생활 보호 모드|시크릿 모드"

// Everyday words that say it only in their brackets or behind the program's name.
#define PRIVATE_WORDS                                                                                     \
    "(?:in )?incognito|inkognito(?: režīms)?|inkognitó mód|incógnito|incògnit|"                     \
    "anonymní|anonym|anonimno|anonimni način|инкогнито|без архивирања|ẩn danh|" \
    "無痕|无痕|シークレット|private(?: (?:window|tab))?(?: with tor)?|privat|prywatne|"         \
    "privé|privado|privato|inprivate"

#define PRIVATE_TABS                                                                     \
    "new (?:incognito|private|inprivate) (?:tab|window)|"                                \
    "neuer (?:inkognito|privater|inprivate)[- ]?tab|"                                    \
    "neues (?:inkognito|privates|inprivate)[- ]?fenster|"                                \
    "nouvel onglet (?:de navigation privée|privé)|"                                    \
    "nueva pestaña (?:de incógnito|privada)|nuova scheda (?:in incognito|anonima)|"    \
    "nova guia (?:anônima|privada)|novo separador de navegação anónima|"             \
    "nieuw (?:incognito|privé)-?tabblad|nowa karta (?:incognito|prywatna)|"             \
    "新しいシークレット ?タブ|打开新的无痕式标签页|新无痕式标签页|新增無痕式分頁"

// In brackets at the end: what Chromium writes there.
#define PRIVATE_TAGS                                                                                          \
    "(?:in )?incognito|inkognito(?: režīms)?|inkognitó mód|incógnito|incògnit|"                         \
    "anonym|anonimno|anonimni način|инкогнито|без архивирања|ẩn danh|無痕|无痕|" \
    "inprivate"

// "News — Mozilla Firefox Private Browsing", "News - Brave (Private)", "News - Google Chrome
// (Incognito)", "Navegación privada de Mozilla Firefox", "News — Private Browsing" (macOS),
// "News - [InPrivate] - Microsoft Edge".
#define PRIVATE_WINDOWS                                                                  \
    "[(\\[（［](?:" PRIVATE_PHRASES "|" PRIVATE_TAGS ")[)\\]）］]" END "|(?:\\A|" SEP    \
    ")" BROWSER SEP "?[ (\\[（]*(?:" PRIVATE_PHRASES "|" PRIVATE_WORDS ")[)\\]）]*" END  \
    "|(?:\\A|" SEP ")(?:" PRIVATE_PHRASES ")(?: \\w{2,14})? " BROWSER END                \
    "|(?:\\A| [—–] )(?:" PRIVATE_PHRASES ")" END "|\\A(?:" PRIVATE_TABS ")(?:" END       \
    "|" SEP ")"                                                                          \
    "|\\[inprivate\\]|" SEP "inprivate" SEP "microsoft edge"                             \
    "|(?:\\A|" SEP ")tor browser" END

// ---- banks

#define BANK_SERVICES                                                                                  \
    "\\b(?:on-?line[- ]?banking|e-?banking|internet[- ]?banking|net[- ]?banking|"                      \
    "home[- ]?banking|mobile banking|telebanking|banque en ligne|"                                     \
    "banca (?:en línea|online|electrónica|por internet|in linea)|"                                   \
    "(?:internet|mobiel )bankieren|bankowość (?:internetowa|elektroniczna)|"                         \
    "internetbank(?:a|en|ing)?|nettbank(?:en)?|netbank|nätbank|verkkopankki|"                         \
    "интернет-банк|сбербанк онлайн)\\b"                                      \
    "|网上银行|網路銀行|网银|ネットバンキング|インターネットバンキング|" \
    "オンラインバンキング|인터넷뱅킹"

#define BANKS                                                                             \
    "(?:bank|banque(?! de donn)|banca|banco(?! d[eo] \\w)|banka|credit "                  \
    "union|sparkasse|stadtsparkasse|"                                                     \
    "kreissparkasse|volksbank|raiffeisenbank|raiffeisen|sparda-?bank|deutsche bank|"      \
    "commerzbank|comdirect|postbank|ing|dkb|n26|hypovereinsbank|targobank|consorsbank|"   \
    "chase|jpmorgan|wells fargo|citibank|citi|capital one|us bank|pnc|truist|"            \
    "american express|amex|fidelity|schwab|vanguard|barclays|hsbc|lloyds|natwest|"        \
    "halifax|monzo|revolut|santander|bnp paribas|société générale|crédit agricole|"  \
    "crédit mutuel|caisse d'épargne|boursorama|boursobank|la banque postale|unicredit|" \
    "intesa sanpaolo|bbva|caixabank|rabobank|abn amro|mbank|ipko|pko|pekao|nordea|"       \
    "swedbank|danske bank|handelsbanken|dnb|ubs|postfinance|zkb|erste|george|paypal|"     \
    "wise|itaú|bradesco|nubank|сбербанк|тинькофф|т-банк|втб)"

#define ACCOUNT                                                                          \
    "(?:log[- ]?in|log[- ]?on|sign[- ]?in|my accounts?|accounts? "                       \
    "(?:overview|summary|details|activity|balance|dashboard)|account services|"          \
    "transfer money|send money|bill pay|anmelden|anmeldung|einloggen|"                   \
    "(?:konten|konto|finanz)übersicht|finanzstatus|kontostand|kontoauszüge?|umsätze|" \
    "überweisung(?:en)?|mes comptes|mon compte|espace client|connexion|virements?|"     \
    "mis cuentas|mi cuenta|iniciar sesión|acceso clientes|transferencias?|"             \
    "area clienti|accedi|conto corrente|bonifico|minha conta|entrar|"                    \
    "inloggen|mijn rekening|logowanie|zaloguj|moje konto|przelew|вход)"

// The bank's name as a part of the title of its own, and a word of a page where accounts
// are: "Deutsche Bank shares fall - News" has none of the second, "Login - Datenbank" none
// of the first.
#define BANK_WINDOWS                                                                     \
    BANK_SERVICES "|\\A(?=.*?(?<![\\w./-])" BANKS "(?![\\w-]|\\.\\w))"                   \
                  "(?=.*?(?<![\\w./-])" ACCOUNT "(?![\\w-]|\\.\\w))"

#define BANK_APPS                                                                        \
    "\\b(?:online|internet|home|e)-?banking\\b|\\bstarmoney\\b|\\bhibiscus\\b"

// A name of the host is or begins or ends with banking; .bank is for banks only.
#define BANK_URLS                                                                        \
    "\\A(?:[a-z][a-z0-9+.-]*://)?(?:[^/?#]*[.@])?(?:"                                    \
    "(?:(?:on-?line|e|net|internet|home|mobile|my|secure|business|private|corporate|"    \
    "digital|web)-?)?banking[0-9]*(?:[.:/]|\\z)|(?:net|nett|internet|e)bank[.:/]|"       \
    "[a-z0-9-]+\\.bank(?:[:/?#]|\\z))"

// ---- dialogs that ask for a key or a password

#define DIALOG_APPS                                                                      \
    "pinentry|ssh-?askpass|askpass|polkit|policykit|gcr-prompter|gcr-viewer|"            \
    "\\bgksudo?\\b|\\bkdesudo?\\b|\\bpkexec\\b|\\blxqt-sudo\\b|"                         \
    "\\bconsent(?:\\.exe)?\\z|credentialuibroker|\\blogonui\\b|\\bsecurityagent\\b|"     \
    "\\bauthentication agent\\b|\\bcredwiz\\b|yubikey manager"

#define DIALOG_WINDOWS                                                                                                             \
    "\\A(?!.*" SEP BROWSER END                                                                                                     \
    ")(?:(?:openssh|ssh)[- ]?(?:askpass|authentication)|pinentry(?:-\\w+)*|"                                                       \
    "(?:please )?enter (?:the |your )?(?:pass ?phrase|pin|password)(?: (?:for|to) .*)?|"                                           \
    "(?:pass ?phrase|password|pin)(?: (?:required|needed|entry|prompt))?:?|"                                                       \
    "unlock (?:(?:login |default |the )?key ?ring|key ?chain|database|vault|"                                                      \
    "private key|wallet)(?:" SEP ".*)?|keyring|"                                                                                   \
    "(?:http )?authenticat(?:ion|e)(?: (?:is )?(?:required|needed)(?: to .*)?)?|"                                                  \
    "user account control|windows security|(?:the )?kde wallet (?:service|system)|"                                                \
    "policykit1 kde agent|polic?y?kit authentication.*|credential manager|"                                                        \
    "administrator password(?: required)?|"                                                                                        \
    "legitimi[es]+rung (?:ist )?(?:erforderlich|benötigt)|"                                                                       \
    "(?:identitätsprüfung|authentifizierung)(?: (?:ist )?erforderlich)?|"                                                        \
    "passphrase eingeben|passwort eingeben|schlüsselbund entsperren|"                                                             \
    "benutzerkontensteuerung|windows-sicherheit|"                                                                                  \
    "authentification (?:requise|nécessaire)|s'authentifier|"                                                                     \
    "déverrouiller le trousseau(?: .*)?|contrôle de compte d.utilisateur|"                                                       \
    "sécurité windows|(?:se requiere )?autenticación(?: (?:requerida|necesaria))?|"                                             \
    "desbloquear (?:el )?(?:depósito|anillo) de claves|"                                                                          \
    "control de cuentas de usuario|seguridad de windows|"                                                                          \
    "(?:richiesta )?autenticazione(?: richiesta)?|sblocca (?:il )?portachiavi|"                                                    \
    "controllo (?:dell.)?account utente|sicurezza di windows|"                                                                     \
    "autenticação (?:necessária|requerida)|desbloquear chaveiro|"                                                               \
    "controle de conta de usuário|segurança do windows|"                                                                         \
    "(?:authenticatie|verificatie|aanmeldingscontrole) (?:is )?vereist|"                                                           \
    "sleutelbos ontgrendelen|gebruikersaccountbeheer|windows-beveiliging|"                                                         \
    "wymagane (?:jest )?uwierzytelnieni[ea]|odblokowanie bazy kluczy|"                                                             \
    "kontrola konta użytkownika|zabezpieczenia systemu windows|"                                                                  \
    "(?:требуется )?аутентификация(?: требуется)?|контроль учетных записей|" \
    "безопасность windows|認証が必要です|認証|ユーザー ?アカウント ?制御|"                         \
    "windows セキュリティ|キーリングのロック解除|需要(?:认证|授权|验证)|"                                 \
    "解锁密钥环|用户[帐账]户控制|windows 安全(?:中心)?|需要核對|使用者帳戶控制|"                        \
    "windows 安全性)(?:" SEP "policykit1 kde agent)?" END                                                                          \
    "|\\A(?:authentication required|authentifizierung erforderlich|"                                                               \
    "authentification requise|autenticación requerida|autenticazione richiesta|"                                                  \
    "autenticação necessária|authenticatie vereist|wymagane uwierzytelnienie|"                                                  \
    "認証が必要です|需要认证)" SEP BROWSER END

const struct rule_builtin rule_builtins[] = {
    {PRIVACY_APP, "password managers",
     "KeePass, 1Password, Bitwarden, LastPass, Dashlane, Enpass, NordPass, Proton Pass, "
     "Passwords, Keychain Access, Seahorse, KWallet, authenticators and others",
     MANAGER_APPS, false},
    {PRIVACY_APP, "key and credential dialogs",
     "pinentry, ssh-askpass, polkit agents, User Account Control and others", DIALOG_APPS,
     false},
    {PRIVACY_APP, "banking", "programs for online banking", BANK_APPS, false},
    {PRIVACY_APP, "private windows", "Tor Browser", "\\b(?:tor ?browser|torbrowser)\\b",
     false},
    {PRIVACY_WINDOW, "password managers",
     "windows of password managers, vaults on the web, the browser's own list",
     MANAGER_WINDOWS, false},
    {PRIVACY_WINDOW, "key and credential dialogs",
     "Enter passphrase, Unlock Keyring, Authentication Required, User Account Control "
     "and "
     "the same in other languages",
     DIALOG_WINDOWS, false},
    {PRIVACY_WINDOW, "private windows",
     "what Firefox, Chrome, Edge, Safari, Brave and Tor Browser write into the titles of "
     "private windows, in many languages",
     PRIVATE_WINDOWS, false},
    {PRIVACY_WINDOW, "banking",
     "\"Online Banking\" in many languages; a bank's name beside a word such as Login or "
     "Account Overview",
     BANK_WINDOWS, false},
    {PRIVACY_URL, "password managers", "vaults on the web, the browser's own list",
     MANAGER_URLS, true},
    {PRIVACY_URL, "banking", "hosts such as banking.example.org, and .bank", BANK_URLS,
     true},
};
const int n_rule_builtins = sizeof(rule_builtins) / sizeof(rule_builtins[0]);
