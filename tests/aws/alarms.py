"""The alarms of the template, and what they watch: numbers that the functions tell, and those that AWS tells of resources."""

import json

# What AWS tells: the dimension that names whose number it is, and what that is in the template.
BY_AWS = {
    ("AWS/Lambda", "Errors"): ("FunctionName", "AWS::Serverless::Function"),
    ("AWS/Lambda", "Invocations"): ("FunctionName", "AWS::Serverless::Function"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): ("QueueName", "AWS::SQS::Queue"),
    ("AWS/ApiGateway", "5xx"): ("ApiId", "AWS::ApiGatewayV2::Api"),
}


def told(log):
    """The numbers in a function's log that CloudWatch makes metrics of, in the embedded metric format: namespace, name and
    names of dimensions, all of which an alarm must have."""
    for line in log:
        its = json.loads(line)
        for directive in its.get("_aws", {}).get("CloudWatchMetrics", []):
            for metric in directive["Metrics"]:
                assert metric["Name"] in its, line
                for dimensions in directive["Dimensions"] or [[]]:
                    yield directive["Namespace"], metric["Name"], frozenset(dimensions)


def deaf(template, told):
    """The alarms that watch what nobody tells, of all that was told."""
    resources = template["Resources"]
    alarms = {name: it["Properties"] for name, it in resources.items() if it["Type"] == "AWS::CloudWatch::Alarm"}
    for name, its in alarms.items():
        watched, dimensions = (its["Namespace"], its["MetricName"]), its.get("Dimensions", [])
        if watched in BY_AWS:
            dimension, kind = BY_AWS[watched]
            of = [(it["Name"], resources[whose(it["Value"])]["Type"]) for it in dimensions]
            if of != [(dimension, kind)]:
                yield f"{name} watches {watched} of {of}"
        elif (*watched, frozenset(it["Name"] for it in dimensions)) not in told:
            yield f"{name} watches {watched} {dimensions}, which no function tells"
    assert alarms


def whose(value):
    """The resource that a dimension refers to."""
    return value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]
