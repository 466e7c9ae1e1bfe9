# What the tour of the README begins with: `source docs/tour/open.sh`, with a server running and a hospital registered.
# Issues keys, publishes a notice, a threshold card and a purpose, has them assessed and activated, and defines
#   call ROLE METHOD PATH [JSON]   which calls the API and prints the answer.
url=${LETHE_URL:-http://127.0.0.1:3000}
data=${DATA_FOLDER:-var}
tenant=first-hospital
year_later=$(node -p 'new Date(Date.now() + 300 * 86400000).toISOString()')

field() { node -pe "JSON.parse(require('fs').readFileSync(0, 'utf8')).$1"; }
send() { curl -sS -X "$2" "$url$3" -H "authorization: Bearer $1" ${4:+-H 'content-type: application/json' -d "$4"}; }
issue() { send "$(cat "$data/admin.key")" POST "/v1/tenants/$tenant/keys" "{\"role\": \"$1\", \"label\": \"tour\"}" | field key; }
key_dpo=$(issue dpo) key_approver=$(issue dpo) key_registrar=$(issue registrar) key_backend=$(issue backend)
call() { local key=key_$1; send "${!key}" "${@:2}"; echo; }

notice=$(call dpo PUT /v1/notices/registration-notice '{
  "locale": "zh-CN", "title": "人脸识别挂号告知书", "handler": "第一医院", "contact": "privacy@hospital.example",
  "purpose": "门诊挂号时核验本人身份", "method": "在院内设备上比对人脸特征", "retention": "撤回同意后删除，最长 365 天",
  "necessity": "用于防止冒名就医，也可使用身份证或社保卡", "rightsImpact": "不同意不影响就医",
  "howToExercise": "可在任一窗口或患者页面撤回", "recipients": [], "body": "完整告知内容。", "material": true }')
notice_hash=$(field hash <<<"$notice")
{
  call dpo PUT /v1/threshold-cards/synthetic '{
    "model": {"id": "synthetic", "version": "1", "dim": 512}, "metric": "cosine", "accept": 0.5, "review": 0.4,
    "fmr": 0.00001, "interval": {"low": 0, "high": 0.0001}, "dataset": "synthetic identities" }'
  call dpo PUT /v1/purposes/registration '{
    "title": "Identity at outpatient registration", "operations": ["verify"], "legalBasis": "consent",
    "necessity": {"statement": "Impostors register under other names.", "lessIntrusive": "Cards are offered first."},
    "noticeId": "registration-notice", "retention": {"maxDays": 365, "inactivityDays": 180}, "consentMaxDays": 365,
    "modes": ["central"], "thresholdCardId": "synthetic" }'
  call dpo PUT /v1/assessments/registration '{
    "lawfulness": "Separate consent.", "rightsImpact": "Refusal costs nothing.", "risks": "Leak, false accept.",
    "measures": "Encryption, erasure, alternatives.", "purposes": ["registration"], "validUntil": "'"$year_later"'" }'
  call approver POST /v1/assessments/registration/approval '{}'
  call dpo PUT /v1/checkpoints/outpatient-desk '{
    "title": "Outpatient desk", "channel": "counter", "purposeId": "registration",
    "methods": [{"kind": "face", "enabled": true}, {"kind": "id-card", "enabled": true}] }'
  call dpo POST /v1/purposes/registration/activation '{}'
} >/dev/null

read -r subject consent template < <(node -p '[0, 0, 0].map(() => crypto.randomUUID()).join(" ")')
about="\"subjectId\": \"$subject\", \"purposeId\": \"registration\""
agreement="{$about, \"noticeId\": \"registration-notice\", \"noticeVersion\": 1, \"noticeHash\": \"$notice_hash\", \"locale\": \"zh-CN\",
  \"channel\": \"counter-3\", \"act\": {\"kind\": \"signature\", \"evidence\": \"form 42\"}, \"validUntil\": \"$year_later\"}"
# Stands for what a camera and a model would give: 512 numbers, as little-endian f32.
vector=$(node -p 'Buffer.from(Float32Array.from({length: 512}, (_, n) => Math.sin(n * n)).buffer).toString("base64")')
face="{$about, \"model\": {\"id\": \"synthetic\", \"version\": \"1\"}, \"embedding\": {\"encoding\": \"f32le-base64\", \"dim\": 512, \"data\": \"$vector\"}"
