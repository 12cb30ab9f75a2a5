namespace Dbos.Fluent;

/// <summary>How a workflow's input is stored, and with it its output, error, events and streams.</summary>
public enum PayloadFormat
{
    /// <summary>MessagePack over <c>System.Text.Json</c> contracts (<c>dotnet_msgpack</c>): exact for every .NET value.</summary>
    MessagePack,

    /// <summary>The JSON that every DBOS SDK reads and writes (<c>portable_json</c>).</summary>
    PortableJson,
}
