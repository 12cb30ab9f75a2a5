namespace Dbos.Fluent;

/// <summary>How the input of a workflow, and with it its output, error, events and streams, are stored.</summary>
public enum PayloadFormat
{
    /// <summary>MessagePack over <c>System.Text.Json</c> contracts (<c>dotnet_msgpack</c>): exact for every .NET value.</summary>
    MessagePack,

    /// <summary>The JSON that every DBOS SDK reads and writes (<c>portable_json</c>).</summary>
    PortableJson,
}
