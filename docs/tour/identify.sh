# What the guide to identification begins with: `source docs/tour/identify.sh`, after open.sh.
# Defines a purpose that finds people among few, has it assessed and activated, and waits until its gallery is made.
{
  call dpo PUT /v1/threshold-cards/synthetic-strict '{
    "model": {"id": "synthetic", "version": "1", "dim": 512}, "metric": "cosine", "accept": 0.55, "review": 0.45,
    "fmr": 0.0000001, "interval": {"low": 0, "high": 0.0000005}, "dataset": "synthetic identities" }'
  call dpo PUT /v1/purposes/dialysis '{
    "title": "Who arrives at the dialysis ward without a card", "operations": ["identify"],
    "identification": {"galleryMax": 500, "fpirMax": 0.0005, "searchesPerMinuteMax": 30}, "legalBasis": "consent",
    "necessity": {"statement": "Patients who come thrice a week may be too ill to show a card.", "lessIntrusive": "Cards and wristbands come first."},
    "noticeId": "registration-notice", "retention": {"maxDays": 365, "inactivityDays": 30}, "consentMaxDays": 365,
    "modes": ["central"], "thresholdCardId": "synthetic-strict" }'
  call dpo PUT /v1/assessments/dialysis '{
    "lawfulness": "Separate consent.", "rightsImpact": "Refusal costs nothing.", "risks": "Leak, false accept, enumeration.",
    "measures": "Few templates, a budget, a quota, a nurse who confirms.", "purposes": ["dialysis"], "validUntil": "'"$year_later"'" }'
  call approver POST /v1/assessments/dialysis/approval '{}'
  call dpo PUT /v1/checkpoints/dialysis-ward '{
    "title": "Dialysis ward", "channel": "ward", "purposeId": "dialysis",
    "methods": [{"kind": "face", "enabled": true}, {"kind": "id-card", "enabled": true}, {"kind": "staff", "enabled": true}] }'
  call dpo POST /v1/purposes/dialysis/activation '{}'
} >/dev/null
agreement=${agreement//\"registration\"/\"dialysis\"} face=${face//\"registration\"/\"dialysis\"}
# Nobody is claimed: the subject is what is asked for.
sought="${face/\"subjectId\": \"$subject\", /}, \"limit\": 3}"
while [[ $(call backend POST /v1/matches/identify "$sought") == *identification.building* ]]; do sleep 0.2; done
