/**
 * Names of characters that editions in TEI P4 use, from the ISO sets that its document type declares (ISOlat1, ISOnum,
 * ISOpub). The five of XML itself are known to every parser.
 */
export const CHARACTER_ENTITIES: Readonly<Record<string, string>> = {
  ...named(
    'agrave à aacute á acirc â auml ä aelig æ ccedil ç egrave è eacute é ecirc ê euml ë igrave ì iacute í',
  ),
  ...named(
    'icirc î iuml ï ntilde ñ ograve ò oacute ó ocirc ô ouml ö ugrave ù uacute ú ucirc û uuml ü szlig ß',
  ),
  ...named(
    'Agrave À Aacute Á Acirc Â Auml Ä AElig Æ Ccedil Ç Egrave È Eacute É Ecirc Ê Euml Ë Ouml Ö Uuml Ü',
  ),
  ...named(
    'oelig œ OElig Œ mdash — ndash – hellip … lsquo ‘ rsquo ’ ldquo “ rdquo ” laquo « raquo » dagger †',
  ),
  ...named('Dagger ‡ sect § para ¶ middot · deg ° pound £ frac12 ½ frac14 ¼ frac34 ¾ times × copy © reg ®'),
  ...named(
    'lsqb [ rsqb ] lpar ( rpar ) ast * num # percnt % equals = plus + colon : semi ; comma , period .',
  ),
  nbsp: '\u00a0',
};

/** `name character name character …` */
function named(pairs: string): Record<string, string> {
  return Object.fromEntries(
    Array.from(pairs.matchAll(/(\S+) (\S+)/g), ([, name, character]) => [name, character]),
  );
}
