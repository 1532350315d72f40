
// ---- drops

resource topics 'Microsoft.EventGrid/systemTopics@2022-06-15' = [for (region, i) in regions: {
  name: '${name}-drops-${region}'
  location: region
  properties: { source: accounts[i].id, topicType: 'Microsoft.Storage.StorageAccounts' }
}]

resource drops 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2022-06-15' = [for (region, i) in regions: if (subscribes) {
  parent: topics[i]
  name: 'on-drop'
  properties: {
    destination: {
      endpointType: 'AzureFunction'
      properties: { resourceId: '${app.id}/functions/on-drop', maxEventsPerBatch: 1 }
    }
    eventDeliverySchema: 'EventGridSchema'
    filter: {
      includedEventTypes: ['Microsoft.Storage.BlobCreated']
      subjectBeginsWith: '/blobServices/default/containers/${container}/blobs/incoming/'
    }
    // What is older is taken by the schedule.
    retryPolicy: { eventTimeToLiveInMinutes: 10, maxDeliveryAttempts: 5 }
  }
}]
