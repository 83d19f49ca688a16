-- What titles are ordered by: as people do, letter by letter without regard to case, an accented letter right behind its
-- plain one. It is Unicode's compatibility decomposition (NFKD), in which accents follow their letters, in lower case,
-- compared by code points; accents move behind all letters (U+E000 and on), so that they follow those of every script.
-- The letters stand here because lower() depends on the database's collation, and neither ICU nor a certain collation is
-- everywhere. Not STRICT: then PostgreSQL would call the function for each row, and not put its body in its place.
CREATE FUNCTION app.sort_key(given text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    -- Most text is ASCII.
    WHEN octet_length(given) = char_length(given) THEN lower(given COLLATE "C")
    ELSE replace(replace(replace(replace(replace(replace(translate(lower(normalize(given, NFKD) COLLATE "C"),
        'ÐØĐĦŁŊŦƁƂƄƆƇƉƊƋƎƏƐƑƓƔƖƗƘƜƝƟƢƤƦƧƩƬƮƱƲƳƵƷƸƼǤǶǷȜȠȢȤȺȻȽȾɁɃɄɅɆɈɊɌɎͰͲͶͿΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩϏ' ||
        'ϘϚϜϞϠϢϤϦϨϪϬϮϷϺϽϾϿЂЄЅІЈЉЊЋЏАБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯѠѢѤѦѨѪѬѮѰѲѴѸѺѼѾҀҊҌҎҐҒҔҖҘҚҜҞҠҢҤҦҨҪ' ||
        'ҬҮҰҲҴҶҸҺҼҾӀӃӅӇӉӋӍӔӘӠӨӶӺӼӾԀԂԄԆԈԊԌԎԐԒԔԖԘԚԜԞԠԢԤԦԨԪԬԮԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑՒՓՔՕՖøłđ' ||
        'ħŧıςĸÞ' ||
        U&'\0300\0301\0302\0303\0304\0306\0307\0308\0309\030A\030B\030C\030F\0311\0313\0314\031B\0323\0324\0325\0326\0327\0328\032D\032E\0330\0331\0342\0345',
        'ðodhlŋtɓƃƅɔƈɖɗƌǝəɛƒɠɣɩɨƙɯɲɵƣƥʀƨʃƭʈʊʋƴƶʒƹƽǥƕƿȝƞȣȥⱥȼƚⱦɂƀʉʌɇɉɋɍɏͱͳͷϳαβγδεζηθικλμνξοπρστυφχψωϗ' ||
        'ϙϛϝϟϡϣϥϧϩϫϭϯϸϻͻͼͽђєѕіјљњћџабвгдежзиклмнопрстуфхцчшщъыьэюяѡѣѥѧѩѫѭѯѱѳѵѹѻѽѿҁҋҍҏґғҕҗҙқҝҟҡңҥҧҩҫ' ||
        'ҭүұҳҵҷҹһҽҿӏӄӆӈӊӌӎӕәӡөӷӻӽӿԁԃԅԇԉԋԍԏԑԓԕԗԙԛԝԟԡԣԥԧԩԫԭԯաբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆold' ||
        'htiσkþ' ||
        U&'\E000\E001\E002\E003\E004\E005\E006\E007\E008\E009\E00A\E00B\E00C\E00D\E00E\E00F\E010\E011\E012\E013\E014\E015\E016\E017\E018\E019\E01A\E01B\E01C'
        ), 'Æ', 'ae'), 'æ', 'ae'), 'Œ', 'oe'), 'œ', 'oe'), 'ẞ', 'ss'), 'ß', 'ss')
END;

-- The key of a title that is not ASCII stands beside it, because computing it for a whole list would take long. A trigger
-- writes it, since the version before this one writes titles too. Rows from before have none until their title changes;
-- reading computes theirs.
ALTER TABLE tasks ADD COLUMN title_key text COLLATE "C";

CREATE FUNCTION app.key_title() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.title_key := CASE WHEN octet_length(NEW.title) > char_length(NEW.title)
                          THEN left(app.sort_key(NEW.title), 255) END;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION app.key_title() FROM PUBLIC;
CREATE TRIGGER tasks_keyed BEFORE INSERT OR UPDATE OF title ON tasks FOR EACH ROW EXECUTE FUNCTION app.key_title();
