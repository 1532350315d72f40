
// ---- who may what

resource keeper 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, 'voicemail keeper')
  properties: {
    roleName: '${name} voicemail keeper ${suffix}'
    description: 'Reads, writes, tags and deletes blobs and signs links to them. No built-in role writes tags but the owner of all data, who may change access, too.'
    type: 'CustomRole'
    assignableScopes: [resourceGroup().id]
    permissions: [
      {
        actions: [
          'Microsoft.Storage/storageAccounts/blobServices/containers/read'
          // What the start looks at: whether the account keeps what is deleted, and whether it has tags.
          'Microsoft.Storage/storageAccounts/blobServices/read'
          'Microsoft.Storage/storageAccounts/blobServices/getInfo/action'
          'Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action'
        ]
        dataActions: dataActions
      }
    ]
  }
}

resource keeps 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (region, i) in regions: {
  name: guid(accounts[i].id, app.id, 'keeper')
  scope: accounts[i]
  properties: { principalId: app.identity.principalId, principalType: 'ServicePrincipal', roleDefinitionId: keeper.id }
}]

resource readsKeys 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, app.id, secretsUser)
  scope: vault
  properties: {
    principalId: app.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsUser)
  }
}

// Of the host's own account, as Azure Functions asks for it.
resource keepsItsOwn 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hostAccount.id, app.id, blobDataOwner)
  scope: hostAccount
  properties: {
    principalId: app.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataOwner)
  }
}

resource tells 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, app.id, metricsPublisher)
  scope: insights
  properties: {
    principalId: app.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', metricsPublisher)
  }
}
