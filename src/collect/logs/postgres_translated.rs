//! What PostgreSQL's logs look like under `lc_messages` other than English: the words of severities, and those that
//! announce a statement, by the catalogues of the server (src/backend/po of its source). It tells that something was
//! announced, and never what: a statement's text behind translated words is not read.

use super::messages::Severity;

/// What a translated severity says.
pub(super) fn severity(word: &str) -> Option<Severity> {
    Some(match word {
        "JOURNAL"
        | "PROTOKOLL"
        | "REGISTRO"
        | "СООБЩЕНИЕ"
        | "ЗАПИСУВАННЯ"
        | "LOGG"
        | "DZIENNIK"
        | "ログ"
        | "로그"
        | "日志"
        | "ჟურნალი" => Severity::Log,
        "FATALE" | "FATALT" | "ВАЖНО" | "ФАТАЛЬНО" | "치명적오류" | "致命错误" | "ფატალური" => {
            Severity::Fatal
        }
        "FEHLER"
        | "PANIK"
        | "ERREUR"
        | "PANIQUE"
        | "ERRORE"
        | "ERRO"
        | "ОШИБКА"
        | "ПОМИЛКА"
        | "FEL"
        | "오류"
        | "错误"
        | "შეცდომა" => Severity::Error,
        "ANWEISUNG"
        | "INSTRUCTION"
        | "SENTENCIA"
        | "ISTRUZIONE"
        | "КОМАНДА"
        | "ОПЕРАТОР"
        | "ІНСТРУКЦІЯ"
        | "SATS"
        | "COMANDO"
        | "구문"
        | "语句"
        | "文"
        | "ოპერატორი" => Severity::Statement,
        "TIPP" | "ZUSAMMENHANG" | "ANFRAGE" | "ORT" | "WARNUNG" | "HINWEIS" | "DÉTAIL" | "ASTUCE"
        | "CONTEXTE" | "ATTENTION" => Severity::More,
        _ => return None,
    })
}

/// What a statement, its duration or its execution begins with: German, Spanish, French, Italian, Portuguese, Polish,
/// Czech, Swedish, Turkish, Russian, Ukrainian, Georgian, Japanese, Korean, Chinese. Those of Portuguese, Polish, Czech and
/// Turkish were not held against the server's catalogues; one that is wrong announces nothing.
const ANNOUNCED: [&str; 44] = [
    "Anweisung: ",
    "Dauer: ",
    "Ausführen ",
    "sentencia: ",
    "duración: ",
    "ejecutar ",
    "instruction : ",
    "durée : ",
    "exécute ",
    "istruzione: ",
    "durata: ",
    "esecuzione di ",
    "comando: ",
    "duração: ",
    "executar ",
    "wyrażenie: ",
    "czas trwania: ",
    "dotaz: ",
    "příkaz: ",
    "doba trvání: ",
    "sats: ",
    "varaktighet: ",
    "varaktighet ",
    "kör ",
    "ifade: ",
    "süre: ",
    "оператор: ",
    "продолжительность: ",
    "выполнение ",
    "тривалість: ",
    "виконувати ",
    "ოპერატორი: ",
    "გამოსახულება: ",
    "ხანგრძლივობა: ",
    "გაშვება ",
    "文: ",
    "期間: ",
    "実行 ",
    "명령 구문: ",
    "실행시간: ",
    "쿼리실행 ",
    "语句: ",
    "执行时间: ",
    "执行 ",
];

/// Whether a message announces a statement in another language.
pub(super) fn announces(message: &str) -> bool {
    ANNOUNCED.iter().any(|start| message.starts_with(start))
}
