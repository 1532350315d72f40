
// ---- alerts

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(alertEmail)) {
  name: '${name}-alerts'
  location: 'global'
  properties: {
    groupShortName: take(name, 12)
    enabled: true
    emailReceivers: [{ name: 'operator', emailAddress: alertEmail, useCommonAlertSchema: true }]
  }
}

var alerts = [
  {
    name: 'erasure-overdue'
    text: 'An erasure is overdue. What was to be gone is not; the log of the sweep tells why.'
    query: 'AppTraces | where Message has "an erasure is overdue"'
    severity: 0
    operator: 'GreaterThan'
    minutes: 5
  }
  {
    name: 'sweep-failed'
    text: 'A sweep failed, or could not do all. The next tries again; the log tells what.'
    query: 'AppTraces | where Message has_any ("the next sweep tries again", "the next one goes on", "the next run tries again")'
    severity: 1
    operator: 'GreaterThan'
    minutes: 5
  }
  {
    name: 'sweep-missing'
    text: 'No sweep ended for 15 minutes. Erasures wait; is the app running?'
    query: 'AppTraces | where Message has "\\"message\\":\\"swept\\""'
    severity: 0
    operator: 'LessThanOrEqual'
    minutes: 15
  }
  {
    name: 'drop-rejected'
    text: 'A recording that was dropped can never be deposited. It lies under rejected/ for a day, with the reason.'
    query: 'AppTraces | where Message has "a drop was rejected"'
    severity: 2
    operator: 'GreaterThan'
    minutes: 5
  }
]

resource rules 'Microsoft.Insights/scheduledQueryRules@2023-03-15-preview' = [for alert in alerts: {
  name: '${name}-${alert.name}'
  location: location
  kind: 'LogAlert'
  properties: {
    displayName: alert.name
    description: alert.text
    severity: alert.severity
    enabled: true
    scopes: [log.id]
    // The tables of a fresh workspace come with its first line.
    skipQueryValidation: true
    evaluationFrequency: 'PT5M'
    windowSize: 'PT${alert.minutes}M'
    criteria: {
      allOf: [
        {
          query: alert.query
          timeAggregation: 'Count'
          operator: alert.operator
          threshold: 0
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    autoMitigate: true
    actions: { actionGroups: empty(alertEmail) ? [] : [people.id] }
  }
}]

output address string = 'https://${app.properties.defaultHostName}'
output app string = app.name
output accounts array = [for (region, i) in regions: accounts[i].name]
